"""ATen's operators on maps, which have their channels first."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.windows import Window, same_padding
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .node import Handler, Node

__all__ = ["MAPS"]


def _convolution(node: Node) -> Value:
    x, weights, bias = node.value("input"), node.array("weight"), node.constant("bias")
    axes = weights.ndim - 2
    if node.get("transposed"):
        raise Unsupported("a transposed convolution is not supported")
    if any(node.integers("output_padding", (0,))):
        raise Unsupported("argument output_padding is not supported")
    stride, dilation = (_each(node, name, axes, 1) for name in ("stride", "dilation"))
    padding = node.get("padding", 0)
    if padding in ("same", "valid"):
        begin = end = [0] * axes
        if padding == "same":
            begin, end = same_padding(x.shape[1:], weights.shape[2:], stride, dilation)
    else:
        begin = end = _each(node, "padding", axes, 0)
    window = Window(stride, dilation, begin, end)
    groups = int(node.number("groups", 1))
    return run.convolution(x, weights, bias, window, groups)


def _each(node: Node, name: str, axes: int, default: int) -> list[int]:
    found = node.integers(name, (default,))
    if len(found) not in (1, axes):
        raise CelosiaError(f"{name} {found} for {axes} axes of a map")
    return found * axes if len(found) == 1 else found


def _pool(kind: str, axes: int) -> Handler:
    def handler(node: Node) -> Any:
        x = node.value()
        if len(x.shape) != axes + 1:
            raise Unsupported(f"of {list(x.shape)}, which has no batch axis before it")
        kernel = _each(node, "kernel_size", axes, 1)
        stride = _each(node, "stride", axes, 0) if node.get("stride") else kernel
        padding = _each(node, "padding", axes, 0)
        ceil = bool(node.get("ceil_mode", False))
        window = Window(stride, (), padding, padding, ceil)
        if kind == "max":
            dilation = _each(node, "dilation", axes, 1)
            if any(each != 1 for each in dilation):
                raise Unsupported(f"argument dilation = {dilation} is not supported")
            return run.pool(x, kind, kernel, window)
        if node.get("divisor_override") is not None:
            value = node.get("divisor_override")
            raise Unsupported(f"argument divisor_override = {value} is not supported")
        return run.pool(x, kind, kernel, window, bool(node.get("count_include_pad", True)))

    return handler


def _adaptive(kind: str, axes: int) -> Callable[[Node], Value]:
    def handler(node: Node) -> Value:
        sizes = _each(node, "output_size", axes, 1)
        return run.adaptive_pool(node.value(), kind, sizes)

    return handler


def _reduce(kind: str) -> Handler:
    def handler(node: Node) -> Any:
        node.ignore("dtype")
        x, axes, keep = node.operand(), node.integers("dim"), bool(node.get("keepdim"))
        if not isinstance(x, Value):
            f: Any = {"mean": np.mean, "sum": np.sum, "max": np.max}[kind]
            return np.asarray(f(x, axis=tuple(axes) or None, keepdims=keep)).astype(x.dtype)
        rank = len(x.shape) + 1
        over = sorted(axis % rank for axis in axes)
        if kind == "max":
            if over != list(range(2, rank)) or rank < 3:
                raise Unsupported(f"over axes {over} of {rank}, not all pixels of a map")
            found = run.adaptive_pool(x, "max", [1] * (rank - 2))
            return found if keep else run.squeeze(found, over)
        found = run.mean(x, axes, keep)
        count = float(np.prod([x.shape[axis - 1] for axis in over]))
        return found if kind == "mean" else found.affine(count)

    return handler


def _pad(node: Node) -> Any:
    x, mode = node.operand(), node.get("mode", "constant")
    if mode != "constant":
        raise Unsupported(f"argument mode = {mode} is not supported, only constant")
    pads, rank = node.integers("pad"), len(x.shape) + isinstance(x, Value)
    if len(pads) % 2 or len(pads) > 2 * rank:
        raise CelosiaError(f"pad {pads} for {rank} axes")
    begin, end = [0] * rank, [0] * rank
    for place in range(len(pads) // 2):  # the last axis first
        begin[-1 - place], end[-1 - place] = pads[2 * place], pads[2 * place + 1]
    return run.pad(x, begin, end, node.number("value", 0.0))


#: ATen operator with its overload -> handler.
MAPS: dict[str, Handler] = {
    **dict.fromkeys(
        (
            "conv1d.default",
            "conv1d.padding",
            "conv2d.default",
            "conv2d.padding",
            "convolution.default",
        ),
        _convolution,
    ),
    "max_pool1d.default": _pool("max", 1),
    "max_pool2d.default": _pool("max", 2),
    "max_pool2d_with_indices.default": _pool("max", 2),
    "avg_pool1d.default": _pool("average", 1),
    "avg_pool2d.default": _pool("average", 2),
    "adaptive_avg_pool1d.default": _adaptive("average", 1),
    "adaptive_avg_pool2d.default": _adaptive("average", 2),
    "_adaptive_avg_pool2d.default": _adaptive("average", 2),
    "adaptive_max_pool1d.default": _adaptive("max", 1),
    "adaptive_max_pool2d.default": _adaptive("max", 2),
    "mean.dim": _reduce("mean"),
    "sum.dim_IntList": _reduce("sum"),
    "amax.default": _reduce("max"),
    "pad.default": _pad,
    "constant_pad_nd.default": _pad,
}
