"""Operators that read windows of a map: CONV_2D, DEPTHWISE_CONV_2D and both pools."""

import numpy as np

from celosia.network.layers import AveragePool, Convolution, Depthwise, MaxPool, Shape, Window
from celosia.numerics.multiplier import effective_scale, quantize_multiplier
from celosia.quant.exact_multiplier import accumulator_range
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteOperator
from .operands import Operands, clamp_of, map_shape, operands, same_quant
from .schema import Padding

__all__ = ["MOST_WEIGHTS", "average_pool", "convolution", "depthwise", "factors", "max_pool"]

#: Weights of a grouped convolution, written out with their zeros.
MOST_WEIGHTS = 1 << 24
#: By how much LiteRT lets scales before and after a pool differ.
_POOL_TOLERANCE = 1e-6


def convolution(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> Convolution:
    """CONV_2D; groups become zeros in the weights of the other groups' channels.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : a form of the operator that is not supported.
    """
    (shape,), where = shapes, str(op)
    o = operands(op, "[N, height, width, C]", axis=0)
    if o.bias is None:
        raise Unsupported("it has no bias", where=where, todo="add one of zeros")
    weights = o.weights.values.astype(np.int8, copy=False)
    n, height, width, channels = weights.shape
    groups = shape[2] // channels
    if groups * channels != shape[2] or n % groups:
        raise CelosiaError(
            f"weights {list(weights.shape)} do not fit {shape[2]} input channels", where=where
        )
    if groups > 1:
        weights = _ungrouped(weights, groups, where)
    return Convolution(name, weights, **_filtered(op, o, shape, weights, 0))


def depthwise(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> Depthwise:
    """DEPTHWISE_CONV_2D with any number of outputs a channel; raises as `convolution`."""
    (shape,), where = shapes, str(op)
    o = operands(op, "[1, height, width, N]", axis=3)
    if len(op.inputs) == 3 and o.bias is None:
        raise CelosiaError("its bias is tensor -1, which LiteRT refuses", where=where)
    one, height, width, n = o.weights.shape
    if one != 1 or n % shape[2]:
        raise CelosiaError(
            f"weights {list(o.weights.shape)} do not fit {shape[2]} input channels", where=where
        )
    weights = o.weights.values.astype(np.int8, copy=False)[0]
    return Depthwise(name, weights, **_filtered(op, o, shape, weights, 2))


def average_pool(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> AveragePool:
    """AVERAGE_POOL_2D; raises as `convolution`."""
    return AveragePool(name, **_pool(op, *shapes))


def max_pool(op: TfliteOperator, name: str, shapes: tuple[Shape, ...]) -> MaxPool:
    """MAX_POOL_2D; raises as `convolution`."""
    return MaxPool(name, **_pool(op, *shapes))


def _filtered(
    op: TfliteOperator,
    o: Operands,
    shape: Shape,
    weights: np.ndarray,
    axis: int,
) -> dict:
    """Parameters of ``Filtered`` layers; ``axis`` of ``weights`` runs over the output channels."""
    dilation = _pair(op, "dilation_h_factor", "dilation_w_factor")
    window = _window(op, shape, weights.shape[-3:-1], dilation)
    m, shift = factors(op, o, np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1))
    return {
        "bias": o.biases(),
        "input": o.input,
        "multiplier": m,
        "shift": shift,
        "output": o.output,
        "input_shape": shape,
        "output_size": _size(op, window, weights.shape[axis]),
        "stride": window.stride,
        "dilation": window.dilation,
        "padding": window.padding,
        "clamp": o.clamp,
    }


def _pool(op: TfliteOperator, shape: Shape) -> dict:
    """Parameters of ``Pool`` layers."""
    output = same_quant(op, (op.source,), _POOL_TOLERANCE)
    window = _window(op, shape, _pair(op, "filter_height", "filter_width"))
    return {
        "input": same_quant(op, (op.target,), 0),
        "output": output,
        "input_shape": shape,
        "kernel": window.kernel,
        "stride": window.stride,
        "output_size": _size(op, window, shape[2]),
        "padding": window.padding,
        "clamp": clamp_of(op, output),
    }


def _pair(op: TfliteOperator, height: str, width: str) -> tuple[int, int]:
    """Two fields of the options."""
    if op.options is None:
        raise CelosiaError("it has no options", where=str(op))
    return op.option(height), op.option(width)


def _window(
    op: TfliteOperator,
    shape: Shape,
    kernel: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Window:
    """Padding as LiteRT computes it (``tflite/kernels/padding.h``): SAME has the smaller half above
    and to the left."""
    where, stride = str(op), _pair(op, "stride_h", "stride_w")
    number = op.option("padding")
    if number not in Padding.__members__.values():
        raise Unsupported(f"padding {number} is unknown", where=where)
    for what, values in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if not all(1 <= each <= 0x7FFF for each in values):
            raise CelosiaError(f"{what} {list(values)} is not possible", where=where)
    size, padding = [], []
    for axis in (0, 1):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        over = shape[axis] + stride[axis] - (1 if number == Padding.SAME else reach)
        if over < stride[axis]:
            raise Unsupported(
                f"a kernel of {list(kernel)} taps does not fit a map of {list(shape[:2])}",
                where=where,
            )
        size.append(over // stride[axis])
        needed = (size[axis] - 1) * stride[axis] + reach - shape[axis]
        padding.append(max(needed, 0) // 2)
    return Window(kernel, stride, dilation, (padding[0], padding[1]), (size[0], size[1]))


def _size(op: TfliteOperator, window: Window, channels: int) -> tuple[int, int]:
    """The result's height and width, checked against the file's."""
    if map_shape(op.target, str(op)) != (*window.size, channels):
        raise CelosiaError(
            f"output of shape {list(op.target.shape)} is not {[1, *window.size, channels]}",
            where=str(op),
        )
    return window.size


def factors(
    op: TfliteOperator, o: Operands, weights: np.ndarray, real: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """int64 multiplier and shift, to be rounded twice, of each channel of ``weights`` [N, K].

    Parameters
    ----------
    real : float64 [N], the factors; by default those of both convolutions.

    Raises
    ------
    Unsupported : a factor or a sum is too large; naming the channel.
    """
    if real is None:
        real = effective_scale(o.input.scale, o.scales, o.output.scale)
    with np.errstate(over="ignore"):
        if not np.isfinite(real).all():
            raise Unsupported(f"output scale {o.output.scale:g} is too small", where=str(op))
    pairs = np.array([quantize_multiplier(each) for each in real], np.int64).reshape(-1, 2)
    m, shift = pairs[:, 0], pairs[:, 1]
    low, high = accumulator_range(weights, o.biases(), o.input.zero_point)
    reach = np.maximum(np.abs(low), np.abs(high)).astype(np.float64) * 2.0 ** np.maximum(shift, 0)
    if not reach.max() < 2.0**31:
        raise Unsupported(
            f"sums reach {reach.max():.3g} when they are scaled, beyond LiteRT's 32 bits",
            where=f"{op}, channel {int(reach.argmax())}",
        )
    return m, shift


def _ungrouped(weights: np.ndarray, groups: int, where: str) -> np.ndarray:
    """int8 [N, height, width, C] with 0 for the channels of other groups."""
    n, height, width, channels = weights.shape
    if weights.size * groups > MOST_WEIGHTS:
        raise Unsupported(
            f"{groups} groups take {weights.size * groups:,} weights; at most {MOST_WEIGHTS:,} "
            "are possible",
            where=where,
        )
    full = np.zeros((n, height, width, groups * channels), np.int8)
    each = n // groups
    for group in range(groups):
        rows = slice(group * each, (group + 1) * each)
        full[rows, ..., group * channels : (group + 1) * channels] = weights[rows]
    return full
