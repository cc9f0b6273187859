"""Operators of float files that only move data, or compute shapes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.constants import Operand
from celosia.importer.tflite.schema import Type
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .call import Call

__all__ = ["SHAPES"]


def _reshape(call: Call) -> Operand:
    """To the shape of the second input, else of the options, else of the result."""
    x, given = call.operand(), call.optional(1)
    if given is not None:
        return run.reshape(x, call.integers(1))
    asked = call.option("new_shape")
    return run.reshape(x, call.op.target.shape if asked is None else asked.tolist())


def _squeeze(call: Call) -> Operand:
    axes = call.option("squeeze_dims")
    return run.squeeze(call.operand(), None if axes is None or not len(axes) else axes.tolist())


def _expand_dims(call: Call) -> Operand:
    axes = call.integers(1)
    if len(axes) != 1:
        raise CelosiaError(f"axes {axes}, not one")
    return run.expand_dims(call.operand(), axes)


def _shape(call: Call) -> Operand:
    kind = call.option("out_type")
    if kind not in (Type.INT32, Type.INT64) or Type(kind).name.lower() != call.op.target.dtype:
        raise CelosiaError(f"option out_type = {kind} is not the type of {call.op.target}")
    return run.shape_of(call.operand())


def _slice(call: Call) -> Operand:
    """SLICE: from where, and how many; -1 for all that follow."""
    x, begins, sizes = call.operand(), call.integers(1), call.integers(2)
    parts = {}
    for axis, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
        parts[axis] = slice(begin, None if size == -1 else begin + size, 1)
    return run.slices(x, _all_images(x, parts))


def _strided_slice(call: Call) -> Operand:
    x = call.operand()
    begins, ends, steps = (call.integers(index) for index in (1, 2, 3))
    rank = len(x.shape) + isinstance(x, Value)
    if not len(begins) == len(ends) == len(steps) <= rank or 0 in steps:
        raise CelosiaError(f"parts from {begins} to {ends} by {steps} of {rank} axes")
    parts, dropped = {}, []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        bit = 1 << axis
        if call.option("shrink_axis_mask") & bit:
            dropped.append(axis)
            parts[axis] = slice(begin, begin + 1 or None, 1)
            continue
        first = None if call.option("begin_mask") & bit else begin
        last = None if call.option("end_mask") & bit else end
        parts[axis] = slice(first, last, step)
    if isinstance(x, Value) and 0 in dropped:
        mask = call.option("shrink_axis_mask")
        raise Unsupported(f"option shrink_axis_mask = {mask} chooses one image of the batch")
    cut = run.slices(x, _all_images(x, parts))
    return run.squeeze(cut, dropped) if dropped else cut


def _all_images(x: Operand, parts: dict[int, slice]) -> dict[int, slice]:
    """``parts`` of a value, whose batch of 1 in the file stands for any number of images."""
    first = parts.get(0)
    if isinstance(x, Value) and first in (slice(0, 1, 1), slice(None, 1, 1), slice(0, None, 1)):
        return parts | {0: slice(None)}
    return parts


def _pack(call: Call) -> Operand:
    axis = call.option("axis")
    call.count("values_count", len(call.arguments))
    parts = [run.expand_dims(call.operand(at), [axis]) for at in range(len(call.arguments))]
    return run.concatenate(parts, axis)


def _unpack(call: Call) -> list[Any]:
    x, axis = call.operand(), call.option("axis")
    sizes = run.shape_of(x)
    if isinstance(x, Value) and not axis % len(sizes):
        raise Unsupported(f"option axis = {axis} takes the batch apart")
    size = int(sizes[axis]) if -len(sizes) <= axis < len(sizes) else 0
    call.count("num", size)
    return [run.squeeze(each, [axis]) for each in run.split(x, [1] * size, axis)]


def _concatenation(call: Call) -> Operand:
    if call.option("fused_activation_function"):
        raise Unsupported("it has a fused activation, which LiteRT refuses")
    parts = [call.operand(index) for index in range(len(call.arguments))]
    return run.concatenate(parts, call.option("axis"))


def _split(call: Call) -> list[Any]:
    """SPLIT: the axis, then the tensor, in equal parts."""
    (axis,), x, many = call.integers(0), call.operand(1), call.option("num_splits")
    total = int(run.shape_of(x)[axis])
    if many < 1 or total % many:
        raise CelosiaError(f"option num_splits = {many} does not divide {total}")
    return run.split(x, [total // many] * many, axis)


def _split_v(call: Call) -> list[Any]:
    x, sizes, (axis,) = call.operand(), call.integers(1), call.integers(2)
    call.count("num_splits", len(sizes))
    if -1 in sizes:
        total = int(run.shape_of(x)[axis])
        sizes[sizes.index(-1)] = total - sum(sizes) - 1
    return run.split(x, sizes, axis)


def _gather(call: Call) -> Operand:
    x, axis = call.operand(), call.option("axis")
    if isinstance(x, Value) and not axis:
        raise Unsupported("option axis = 0: it chooses images of the batch")
    return run.gather(x, call.array(1), axis)


def _transpose(call: Call) -> Operand:
    return run.transpose(call.operand(), call.integers(1))


def _fill(call: Call) -> Operand:
    sizes = call.integers(0)
    if min(sizes, default=1) < 0 or np.prod(sizes, dtype=float) > 1 << 16:
        raise Unsupported(f"a constant of shape {sizes[:8]}")
    return np.full(sizes, call.array(1).reshape(-1)[0])


#: Operator -> handler.
SHAPES: dict[str, Callable[[Call], Operand | Sequence[Operand]]] = {
    "RESHAPE": _reshape,
    "SQUEEZE": _squeeze,
    "EXPAND_DIMS": _expand_dims,
    "SHAPE": _shape,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
    "UNPACK": _unpack,
    "CONCATENATION": _concatenation,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "GATHER": _gather,
    "TRANSPOSE": _transpose,
    "FILL": _fill,
}
