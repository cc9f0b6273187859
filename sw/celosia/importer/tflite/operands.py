"""What the operators of a .tflite file take: quantizations, constants, fused activations, maps."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from celosia.network.layers import Shape
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteOperator, TfliteTensor
from .schema import Activation

__all__ = [
    "INDICES",
    "Operands",
    "check_shape",
    "clamp_of",
    "constant",
    "map_shape",
    "operands",
    "quant_of",
    "same_quant",
]

#: Types of axes, shapes and borders.
INDICES = ("int32", "int64")
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


def same_quant(op: TfliteOperator, sources: tuple[TfliteTensor, ...], tolerance: float) -> Quant:
    """The quantization of ``sources`` and of the result, which must be the same.

    Parameters
    ----------
    tolerance : by how much scales may differ.

    Raises
    ------
    Unsupported : it differs, or as `quant_of`.
    """
    where, output = str(op), quant_of(op.target, str(op))
    for tensor in sources:
        quant = quant_of(tensor, where)
        if quant.zero_point != output.zero_point or (abs(quant.scale - output.scale) > tolerance):
            raise Unsupported(
                f"{tensor} has scale {quant.scale:g}, zero point {quant.zero_point}, but the "
                f"result {output.scale:g}, {output.zero_point}",
                where=where,
                todo="put a QUANTIZE before it",
            )
    return output


def check_shape(op: TfliteOperator, shape: tuple[int, ...]) -> None:
    """Check that the result has ``shape``, its own shape in the file.

    Raises
    ------
    CelosiaError : it has another one.
    """
    if op.target.shape != shape:
        raise CelosiaError(
            f"output of shape {list(op.target.shape)} is not {list(shape)}", where=str(op)
        )


def map_shape(tensor: TfliteTensor, where: str) -> Shape:
    """``tensor`` as (height, width, channels); the batch, its first axis of several, must be 1.

    Raises
    ------
    Unsupported : another batch, an axis of 0, or more than four axes.
    """
    shape = tensor.shape
    if not 1 <= len(shape) <= 4 or 0 in shape:
        raise Unsupported(f"{tensor} of shape {list(shape)} is not a map", where=where)
    if len(shape) > 1 and shape[0] != 1:
        raise Unsupported(
            f"{tensor} has a batch of {shape[0]}",
            where=where,
            todo="convert the model with batch 1",
        )
    sizes = shape[1:] if len(shape) > 1 else shape
    height, width, channels = (1,) * (3 - len(sizes)) + sizes
    return height, width, channels


def constant(op: TfliteOperator, at: int, what: str, dtypes: tuple[str, ...]) -> np.ndarray:
    """The values of input number ``at`` of ``op``; ``what`` names it in errors.

    Raises
    ------
    CelosiaError : there is no such input.
    Unsupported : it is computed, or of another type.
    """
    tensor = op.inputs[at] if at < len(op.inputs) else None
    if tensor is None:
        raise CelosiaError(f"it has no {what}", where=str(op))
    if tensor.data is None or tensor.dtype not in dtypes:
        kind = "constant" if tensor.data is not None else "computed"
        raise Unsupported(
            f"{what} is {kind} {tensor.dtype}, not constant {' or '.join(dtypes)}", where=str(op)
        )
    return tensor.data


@dataclass(frozen=True, eq=False)
class Operands:
    """An operator with weights whose types and scales are valid; weight values are unchecked.

    Parameters
    ----------
    weights : constant int8 with N channels.
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

    def biases(self) -> np.ndarray:
        """int32 [N], 0 where there is no bias."""
        if self.bias is None:
            return np.zeros(len(self.scales), np.int32)
        return self.bias.values.astype(np.int32)


def operands(op: TfliteOperator, form: str, axis: int) -> Operands:
    """The operands of ``op``, checked.

    Parameters
    ----------
    form : of the weights, such as "[N, K]", for errors; as many axes are required.
    axis : of the weights that runs along the channels.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : a form of the operator that is not supported.
    """
    where, axes = str(op), form.count(",") + 1
    source, weights = (*op.inputs[:2], None, None)[:2]
    if source is None or weights is None:
        raise CelosiaError("its input or its weights are left out", where=where)
    if weights.dtype != "int8" or weights.data is None or len(weights.shape) != axes:
        kind = "constant" if weights.data is not None else "computed"
        raise Unsupported(
            f"weights are {kind} {weights.dtype} {list(weights.shape)}, not constant int8 {form}",
            where=where,
            todo="quantize the model fully to int8",
        )
    if 0 in weights.shape:
        raise CelosiaError(f"weights of shape {list(weights.shape)}", where=where)
    channels = weights.shape[axis]
    bias = _bias(op.inputs[2] if len(op.inputs) == 3 else None, channels, where)
    entry, output = quant_of(source, where), quant_of(op.target, where)
    scales = _weight_scales(weights, axis, channels, where)
    return Operands(weights, bias, entry, output, scales, clamp_of(op, output))


def clamp_of(op: TfliteOperator, output: Quant) -> tuple[int, int]:
    """The int8 limits of the fused activation.

    They are LiteRT's ``CalculateActivationRangeQuantized`` (``tflite/kernels/kernel_util.cc``).

    Raises
    ------
    Unsupported : another activation than NONE, RELU, RELU6, RELU_N1_TO_1.
    """
    where, number = str(op), op.option("fused_activation_function")
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


def _bias(bias: TfliteTensor | None, channels: int, where: str) -> TfliteTensor | None:
    if bias is None:
        return None
    if bias.dtype != "int32" or bias.data is None or prod(bias.shape) != channels:
        raise Unsupported(
            f"bias {bias.dtype} {list(bias.shape)} is not constant int32 [{channels}]", where=where
        )
    if bias.scales is not None and len(bias.scales) not in (1, channels):
        raise CelosiaError(f"{len(bias.scales)} bias scales for {channels} channels", where=where)
    if bias.zero_points is not None and bias.zero_points.any():
        raise Unsupported(f"the bias has zero point {bias.zero_points[0]}, not 0", where=where)
    return replace(bias, shape=(channels,), data=bias.values.reshape(-1))


def _weight_scales(weights: TfliteTensor, axis: int, channels: int, where: str) -> np.ndarray:
    """float32 [channels]."""
    scales = weights.scales
    if scales is None or len(scales) not in (1, channels):
        count = 0 if scales is None else len(scales)
        raise CelosiaError(f"{count} weight scales for {channels} channels", where=where)
    if len(scales) > 1 and weights.axis != axis:
        raise Unsupported(f"weight scales run along axis {weights.axis}, not {axis}", where=where)
    if weights.zero_points is not None and weights.zero_points.any():
        raise Unsupported(
            f"weights have zero point {weights.zero_points[weights.zero_points != 0][0]}, not 0",
            where=where,
            todo="quantize the weights symmetrically",
        )
    return np.broadcast_to(scales, channels)
