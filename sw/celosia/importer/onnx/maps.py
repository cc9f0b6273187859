"""ONNX's operators on maps, which have their channels first."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.elementwise import number
from celosia.importer.operations.windows import Window, same_padding
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .call import Call

__all__ = ["MAPS"]


def _window(call: Call, x: Value, kernel: list[int], dilations: list[int]) -> Window:
    """Strides and padding by the node's attributes."""
    axes = len(x.shape) - 1
    strides = call.integers("strides") or [1] * axes
    pads, mode = call.integers("pads"), call.word("auto_pad", "NOTSET")
    ceil = bool(call.integer("ceil_mode", 0))
    if len(kernel) != axes or len(strides) != axes or len(dilations) != axes:
        raise CelosiaError(f"kernel {kernel} and strides {strides} on a map of {axes} axes")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        upper = mode == "SAME_UPPER"
        begin, end = same_padding(x.shape[1:], kernel, strides, dilations, upper)
        return Window(strides, dilations, begin, end)
    if mode not in ("NOTSET", "VALID"):
        raise Unsupported(f"attribute auto_pad = {mode} is not supported")
    pads = pads if mode == "NOTSET" and pads else [0] * (2 * axes)
    if len(pads) != 2 * axes:
        raise CelosiaError(f"pads {pads} for {axes} axes of a map")
    return Window(strides, dilations, pads[:axes], pads[axes:], ceil)


def _value(call: Call) -> Value:
    x = call.operand()
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    return x


def _convolution(call: Call) -> Value:
    x, weights, bias = _value(call), call.array(1), call.optional(2)
    kernel = list(weights.shape[2:])
    given = call.integers("kernel_shape")
    if given and given != kernel:
        raise CelosiaError(f"kernel_shape {given}, but weights {list(weights.shape)}")
    dilations = call.integers("dilations") or [1] * len(kernel)
    window = _window(call, x, kernel, dilations)
    return run.convolution(x, weights, bias, window, call.integer("group", 1))


def _pool(kind: str) -> Callable[[Call], Value]:
    def handler(call: Call) -> Value:
        x, kernel = _value(call), call.integers("kernel_shape")
        dilations = call.integers("dilations") or [1] * len(kernel)
        if any(each != 1 for each in dilations):
            raise Unsupported(f"attribute dilations = {dilations} is not supported")
        window = _window(call, x, kernel, dilations)
        if kind == "max":
            # The order of the places of maxima, which only a second output would tell.
            call.ignore("storage_order")
            if len(call.node.outputs) > 1 and call.node.outputs[1]:
                raise Unsupported("the places of its maxima are an output")
            return run.pool(x, kind, kernel, window)
        counted = bool(call.integer("count_include_pad", 0))
        return run.pool(x, kind, kernel, window, counted)

    return handler


def _global(kind: str) -> Callable[[Call], Value]:
    return lambda call: run.adaptive_pool(_value(call), kind, [1] * (len(_value(call).shape) - 1))


def _reduce(kind: str) -> Callable[[Call], Value]:
    def handler(call: Call) -> Value:
        x, axes = _value(call), call.axes()
        keep, rank = bool(call.integer("keepdims", 1)), len(x.shape) + 1
        if call.integer("noop_with_empty_axes", 0) and not axes:
            raise Unsupported("attribute noop_with_empty_axes = 1 is not supported")
        if not axes:
            raise Unsupported("over the batch, too")
        over = sorted(axis % rank for axis in axes)
        if kind == "max":
            found = run.adaptive_pool(x, "max", [1] * (rank - 2))
            if over != list(range(2, rank)):
                raise Unsupported(f"over axes {over} of {rank}, not all pixels of a map")
            return found if keep else run.squeeze(found, over)
        found = run.mean(x, axes, keep)
        count = float(np.prod([x.shape[axis - 1] for axis in over]))
        return found if kind == "mean" else found.affine(count)

    return handler


def _pad(call: Call) -> Any:
    x, mode = call.operand(), call.word("mode", "constant")
    if mode != "constant":
        raise Unsupported(f"attribute mode = {mode} is not supported, only constant")
    rank = len(x.shape) + isinstance(x, Value)
    if call.has("pads") or call.has("paddings"):
        pads = call.integers("pads") or call.integers("paddings")
        value = call.number("value", 0.0)
    else:
        pads = [int(each) for each in np.ravel(call.array(1))]
        given = call.optional(2)
        value = 0.0 if given is None else number(given, "value")
    axes = call.optional(3)
    chosen = list(range(rank)) if axes is None else [int(axis) % rank for axis in np.ravel(axes)]
    if len(pads) != 2 * len(chosen):
        raise CelosiaError(f"pads {pads} for {len(chosen)} axes")
    begin, end = [0] * rank, [0] * rank
    for place, axis in enumerate(chosen):
        begin[axis], end[axis] = pads[place], pads[place + len(chosen)]
    return run.pad(x, begin, end, value)


#: Operator -> handler.
MAPS: dict[str, Callable[[Call], Any]] = {
    "Conv": _convolution,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("average"),
    "GlobalAveragePool": _global("average"),
    "GlobalMaxPool": _global("max"),
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("max"),
    "Pad": _pad,
}
