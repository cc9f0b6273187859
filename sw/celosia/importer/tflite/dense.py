"""FULLY_CONNECTED as a `Dense` layer, and the operators after it as its element table."""

from dataclasses import dataclass, replace
from math import prod
from typing import TypeVar

import numpy as np

from celosia.network.graph import Dense
from celosia.network.outline import LayerOutline
from celosia.numerics.multiplier import effective_scale
from celosia.numerics.quant import Quant
from celosia.quant.exact_multiplier import accumulator_range, fit_multipliers
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteOperator, TfliteTensor
from .schema import Activation, FullyConnected

__all__ = ["Layer", "Operands", "dense", "operands", "outline", "quant_of", "with_table"]

#: A layer, or its outline.
Layer = TypeVar("Layer", Dense, LayerOutline)

_LIMITS = {
    Activation.NONE: (None, None),
    Activation.RELU: (0, None),
    Activation.RELU_N1_TO_1: (-1, 1),
    Activation.RELU6: (0, 6),
}


def quant_of(tensor: TfliteTensor, where: str, dtypes: tuple[str, ...] = ("int8",)) -> Quant:
    """The scale and zero point of ``tensor``.

    Raises
    ------
    Unsupported : its type is not in ``dtypes``, or it does not have exactly one scale.
    CelosiaError : the zero point is outside of the type's range.
    """
    if tensor.dtype not in dtypes:
        raise Unsupported(
            f"{tensor} is {tensor.dtype}, not {' or '.join(dtypes)}",
            where=where,
            todo="quantize the model fully to int8",
        )
    if tensor.scales is None or tensor.zero_points is None or len(tensor.scales) != 1:
        count = 0 if tensor.scales is None else len(tensor.scales)
        raise Unsupported(f"{tensor} has {count} scales, not 1", where=where)
    limits = np.iinfo(tensor.dtype)
    zero_point = int(tensor.zero_points[0])
    if not limits.min <= zero_point <= limits.max:
        raise CelosiaError(
            f"{tensor} has zero point {zero_point}, outside of {tensor.dtype}", where=where
        )
    return Quant(float(tensor.scales[0]), zero_point)


@dataclass(frozen=True, eq=False)
class Operands:
    """A FULLY_CONNECTED whose shapes, types and scales are valid; weight values are unchecked.

    Parameters
    ----------
    weights : constant int8 [N, K].
    bias : constant int32 [N], or None.
    input, output : quantization of the activations.
    scales : float32 [N], one for each channel of ``weights``.
    clamp : limits of the fused activation.
    """

    weights: TfliteTensor
    bias: TfliteTensor | None
    input: Quant
    output: Quant
    scales: np.ndarray
    clamp: tuple[int, int]


def operands(op: TfliteOperator) -> Operands:
    """The operands of ``op``, checked.

    The clamp of a fused activation is LiteRT's ``CalculateActivationRangeQuantized``
    (``tflite/kernels/kernel_util.cc``).

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : a form of the operator that is not supported.
    """
    where = str(op)
    source, weights, bias = _operands(op, where)
    target = op.target
    input_quant, output = quant_of(source, where), quant_of(target, where)
    n, k = weights.shape
    if prod(source.shape) != k:
        raise Unsupported(
            f"input of shape {list(source.shape)} is not one vector of {k}", where=where
        )
    if prod(target.shape) != n:
        raise CelosiaError(f"output of shape {list(target.shape)} is not {n} values", where=where)
    scales = _weight_scales(weights, input_quant, bias, output, where)
    return Operands(weights, bias, input_quant, output, scales, _clamp(op, output, where))


def outline(op: TfliteOperator, name: str) -> LayerOutline:
    """The layer without its weights; raises as `operands`."""
    o = operands(op)
    n, k = o.weights.shape
    return LayerOutline(name, k, n, o.input, o.output, clamp=o.clamp)


def dense(op: TfliteOperator, name: str) -> tuple[Dense, int]:
    """The layer, and how many of its channels have no multiplier that is exact for all sums.

    The multipliers are those of `fit_multipliers`.

    Raises
    ------
    CelosiaError : as `operands`.
    Unsupported : as `operands`, or sums times scale exceed 32 bits, which LiteRT's do not allow.
    """
    where, o = str(op), operands(op)
    weights = o.weights.values
    bias = np.zeros(len(weights), np.int32) if o.bias is None else o.bias.values.astype(np.int32)
    low, high = accumulator_range(weights, bias, o.input.zero_point)
    real = effective_scale(o.input.scale, o.scales, o.output.scale)
    largest = float((np.maximum(np.abs(low), np.abs(high)) * real).max())
    if not largest < 2.0**31 - 256:
        raise Unsupported(
            f"sums times scale reach {largest:.3g}, beyond LiteRT's 32 bits", where=where
        )
    m, shift, exact = fit_multipliers(real, low, high, o.output.zero_point, o.clamp)
    layer = Dense(
        name,
        weights.astype(np.int8, copy=False),
        bias,
        o.input,
        m,
        shift,
        o.output,
        clamp=o.clamp,
    )
    return layer, int((~exact).sum())


def with_table(layer: Layer, table: np.ndarray, output: Quant) -> Layer:
    """``layer`` followed by an int8 [256] table; one that only clips becomes part of the clamp.

    ``output`` is the quantization of the table's results.
    """
    if layer.table is not None:
        table = table[layer.table.astype(np.int64) + 128]
    elif output == layer.output:
        clipped = np.clip(np.arange(-128, 128), table[0], table[-1])
        if np.array_equal(clipped, table):
            low, high = np.clip(layer.clamp, table[0], table[-1]).tolist()
            return replace(layer, clamp=(low, high))
    return replace(layer, table=table, table_output=output)


def _operands(
    op: TfliteOperator, where: str
) -> tuple[TfliteTensor, TfliteTensor, TfliteTensor | None]:
    """Input, weights and bias, with valid types and shapes."""
    source, weights = (*op.inputs[:2], None, None)[:2]
    if len(op.inputs) > 3 or len(op.outputs) != 1 or source is None or weights is None:
        raise CelosiaError(
            f"{len(op.inputs)} inputs and {len(op.outputs)} outputs, not 2 or 3 and 1", where=where
        )
    bias = op.inputs[2] if len(op.inputs) == 3 else None
    if op.options is not None and op.options.scalar(FullyConnected.WEIGHTS_FORMAT, "b"):
        raise Unsupported("its weights are shuffled", where=where)
    if weights.dtype != "int8" or weights.data is None or len(weights.shape) != 2:
        kind = "constant" if weights.data is not None else "computed"
        raise Unsupported(
            f"weights are {kind} {weights.dtype} {list(weights.shape)}, not constant int8 [N, K]",
            where=where,
            todo="quantize the model fully to int8",
        )
    if 0 in weights.shape:
        raise CelosiaError(f"weights of shape {list(weights.shape)}", where=where)
    if bias is not None and (
        bias.dtype != "int32" or bias.data is None or prod(bias.shape) != weights.shape[0]
    ):
        raise Unsupported(
            f"bias {bias.dtype} {list(bias.shape)} is not constant int32 [{weights.shape[0]}]",
            where=where,
        )
    if bias is not None and len(bias.shape) != 1:
        bias = replace(bias, shape=(weights.shape[0],), data=bias.values.reshape(-1))
    return source, weights, bias


def _weight_scales(
    weights: TfliteTensor, source: Quant, bias: TfliteTensor | None, output: Quant, where: str
) -> np.ndarray:
    """float32 [N], checked against the bias's scale."""
    n = weights.shape[0]
    scales = weights.scales
    if scales is None or len(scales) not in (1, n):
        count = 0 if scales is None else len(scales)
        raise CelosiaError(f"{count} weight scales for {n} channels", where=where)
    if len(scales) > 1 and weights.axis != 0:
        raise Unsupported(f"weight scales run along axis {weights.axis}, not 0", where=where)
    if weights.zero_points is not None and weights.zero_points.any():
        raise Unsupported(
            f"weights have zero point {weights.zero_points[weights.zero_points != 0][0]}, not 0",
            where=where,
            todo="quantize the weights symmetrically",
        )
    # As LiteRT tests the bias of weights with one scale (GetQuantizedConvolutionMultipler).
    if bias is not None and bias.scales is not None and len(scales) == 1:
        product = float(np.float32(source.scale)) * float(scales[0])
        if abs(product - float(bias.scales[0])) / float(np.float32(output.scale)) > 0.02:
            raise CelosiaError(
                f"bias scale {bias.scales[0]:g} is not input times weight scale, {product:g}",
                where=where,
            )
    return np.broadcast_to(scales, n)


def _clamp(op: TfliteOperator, output: Quant, where: str) -> tuple[int, int]:
    number = 0 if op.options is None else op.options.scalar(FullyConnected.ACTIVATION, "b")
    if number not in _LIMITS:
        names = {kind.value: kind.name for kind in Activation}
        raise Unsupported(
            f"fused activation {names.get(number, number)}",
            where=where,
            todo="make the activation an operator of its own",
        )
    low, high = _LIMITS[Activation(number)]
    clamp = []
    for limit, default in ((low, -128), (high, 127)):
        if limit is None:
            clamp.append(default)
            continue
        with np.errstate(over="ignore"):
            steps = float(np.float32(limit) / np.float32(output.scale))
        if not abs(steps) < 2.0**31:
            raise Unsupported(f"output scale {output.scale:g} is too small", where=where)
        q = output.zero_point + int(np.sign(steps) * np.floor(abs(steps) + 0.5))
        clamp.append(min(max(q, -128), 127))
    return clamp[0], clamp[1]
