"""RESHAPE, SQUEEZE and EXPAND_DIMS: the shape that LiteRT computes, against the file's."""

from math import prod

import numpy as np

from celosia.support.errors import CelosiaError

from .load import TfliteOperator
from .operands import INDICES, constant

__all__ = ["check_reshape"]

Shape = tuple[int, ...]


def check_reshape(op: TfliteOperator) -> None:
    """Check that no value is lost, and that LiteRT computes the shape that the file gives.

    LiteRT computes shapes from constants and options and does not read the shape in the file
    (``tflite/kernels/reshape.cc``, ``squeeze.cc``, ``expand_dims.cc``).

    Raises
    ------
    CelosiaError : another type, quantization, number of values or shape.
    Unsupported : the axis of an EXPAND_DIMS is computed.
    """
    source, target, where = op.source, op.target, str(op)
    if prod(source.shape) != prod(target.shape) or source.dtype != target.dtype:
        raise CelosiaError(
            f"{source.dtype} {list(source.shape)} cannot become {target.dtype} "
            f"{list(target.shape)}",
            where=where,
        )
    for what, own, other in (
        ("scale", source.scales, target.scales),
        ("zero point", source.zero_points, target.zero_points),
    ):
        if own is not None and other is not None and not np.array_equal(own, other):
            raise CelosiaError(
                f"{source} has {what} {own[0]:g}, but the result {other[0]:g}",
                where=where,
                todo="put a QUANTIZE before it",
            )
    shape = _SHAPES[op.code](op, source.shape)
    if shape is not None and shape != target.shape:
        raise CelosiaError(
            f"output of shape {list(target.shape)} is not {list(shape)}", where=where
        )


def _reshape(op: TfliteOperator, shape: Shape) -> Shape | None:
    """None where nothing in the file says it but the result's own shape."""
    tensor, asked = op.inputs[1] if len(op.inputs) > 1 else None, None
    if tensor is not None and tensor.data is None and tensor.dtype == "int32":
        return None
    if tensor is not None:
        asked = constant(op, 1, "shape", ("int32",))
    else:
        asked = op.option("new_shape")
    if asked is None:
        return None
    sizes = asked.reshape(-1).tolist()
    if sizes.count(-1) == 1:
        rest = -prod(sizes)
        sizes[sizes.index(-1)] = prod(shape) // rest if rest > 0 else -1
    return tuple(sizes)


def _squeeze(op: TfliteOperator, shape: Shape) -> Shape:
    axes = op.option("squeeze_dims")
    dropped = {axis for axis, size in enumerate(shape) if size == 1}
    if axes is not None and len(axes):
        asked = axes.tolist()
        if not all(-len(shape) <= axis < len(shape) and shape[axis] == 1 for axis in asked):
            raise CelosiaError(f"axes {asked} of {list(shape)} are not all 1", where=str(op))
        dropped = {axis % len(shape) for axis in asked}
    return tuple(size for axis, size in enumerate(shape) if axis not in dropped)


def _expand_dims(op: TfliteOperator, shape: Shape) -> Shape:
    axes = constant(op, 1, "axis", INDICES)
    rank = len(shape) + 1
    axis = int(axes.reshape(-1)[0]) if axes.size == 1 else rank
    if not -rank <= axis < rank:
        raise CelosiaError(f"axis {axes.tolist()} of {list(shape)} does not exist", where=str(op))
    at = axis % rank
    return (*shape[:at], 1, *shape[at:])


_SHAPES = {"RESHAPE": _reshape, "SQUEEZE": _squeeze, "EXPAND_DIMS": _expand_dims}
