"""ADD, MEAN, PAD and CONCATENATION."""

import numpy as np

from celosia.network.layers import Add, Concatenation, Mean, Pad, Shape
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteOperator, TfliteTensor
from .operands import INDICES, clamp_of, constant, map_shape, quant_of, same_quant

__all__ = ["add", "concatenation", "mean", "pad"]


def add(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> Add:
    """ADD of two maps of one shape.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : a form of the operator that is not supported.
    """
    where = str(op)
    if shapes[0] != shapes[1]:
        raise Unsupported(
            f"inputs of {list(shapes[0])} and {list(shapes[1])} are broadcast", where=where
        )
    first, second = _sources(op)
    output = quant_of(op.target, where)
    clamp = clamp_of(op, output)
    return Add(
        name, quant_of(first, where), quant_of(second, where), output, shapes[0], clamp=clamp
    )


def concatenation(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> Concatenation:
    """CONCATENATION along the last axis; raises as `add`."""
    where, sources = str(op), _sources(op)
    axes = {len(tensor.shape) for tensor in (*sources, op.target)}
    axis = op.option("axis")
    last = max(axes) - 1
    if len(axes) != 1 or axis not in (-1, last):
        raise Unsupported(
            f"it runs along axis {axis} of {list(sources[0].shape)}, not along the channels",
            where=where,
        )
    quant = same_quant(op, sources, 0)
    clamp_of(op, quant)
    if op.option("fused_activation_function"):
        raise Unsupported("it has a fused activation, which LiteRT refuses", where=where)
    return Concatenation(name, quant, shapes)


def mean(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> Mean:
    """MEAN over height and width, with the axes kept or not; raises as `add`."""
    (shape,), where, source = shapes, str(op), op.source
    axes = constant(op, 1, "list of axes", ("int32",)).reshape(-1).tolist()
    count = len(source.shape)
    if not all(-count <= axis < count for axis in axes):
        raise CelosiaError(f"axes {axes} of {list(source.shape)} do not exist", where=where)
    over = {axis % count for axis in axes}
    spatial = {axis for axis in range(1, count - 1) if source.shape[axis] > 1}
    if not spatial <= over <= set(range(1, count - 1)):
        raise Unsupported(
            f"it runs over axes {sorted(over)} of {list(source.shape)}, not over height and width",
            where=where,
        )
    if op.option("keep_dims"):
        kept = [1 if axis in over else size for axis, size in enumerate(source.shape)]
    else:
        kept = [size for axis, size in enumerate(source.shape) if axis not in over]
    if list(op.target.shape) != kept:
        raise CelosiaError(f"output of shape {list(op.target.shape)} is not {kept}", where=where)
    layer = Mean(name, quant_of(source, where), quant_of(op.target, where), shape)
    reach = 255.0 * shape[0] * shape[1] * 2.0 ** max(layer.factor[1], 0)
    if not reach < 2.0**31:
        raise Unsupported(
            f"sums reach {reach:.3g} when they are scaled, beyond LiteRT's 32 bits", where=where
        )
    return layer


def pad(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> Pad:
    """PAD of height and width; raises as `add`."""
    (shape,), where, source = shapes, str(op), op.source
    borders = constant(op, 1, "list of borders", INDICES)
    axes = len(source.shape)
    if borders.shape != (axes, 2) or (borders < 0).any():
        raise CelosiaError(
            f"borders of shape {list(borders.shape)}, down to {int(borders.min(initial=0))}, do "
            f"not fit {list(source.shape)}",
            where=where,
        )
    rows = borders.astype(np.int64).tolist()
    if axes < 3 or any(rows[0]) or any(rows[-1]):
        raise Unsupported(f"borders {rows} are not of height and width alone", where=where)
    (top, bottom), (left, right) = rows[1:-1] if axes == 4 else ([0, 0], rows[1])
    layer = Pad(name, same_quant(op, (source,), 0), shape, top, bottom, left, right)
    if map_shape(op.target, where) != layer.output_shape:
        raise CelosiaError(
            f"output of shape {list(op.target.shape)} is not {[1, *layer.output_shape]}",
            where=where,
        )
    return layer


def _sources(op: TfliteOperator) -> tuple[TfliteTensor, ...]:
    return tuple(tensor for tensor in op.inputs if tensor is not None)
