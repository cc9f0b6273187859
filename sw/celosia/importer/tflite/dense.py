"""FULLY_CONNECTED as a `Dense` layer."""

from math import prod

import numpy as np

from celosia.network.layers import Dense, Shape
from celosia.network.outline import LayerOutline
from celosia.numerics.multiplier import effective_scale, micro_scale
from celosia.numerics.runtime import Runtime
from celosia.quant.exact_multiplier import accumulator_range, fit_multipliers
from celosia.spec import Rounding
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteOperator
from .operands import Operands, operands
from .windows import factors

__all__ = ["dense", "outline"]


def outline(op: TfliteOperator, name: str, shape: Shape) -> LayerOutline:
    """The layer without its weights; raises as `dense`."""
    o = _operands(op)
    n, k = o.weights.shape
    return LayerOutline(name, k, n, o.input, o.output, clamp=o.clamp, input_shape=shape)


def dense(
    op: TfliteOperator, name: str, shape: Shape, runtime: Runtime = Runtime.LITERT
) -> tuple[Dense, int]:
    """The layer, and how many of its channels have no multiplier that is exact for all sums.

    For LiteRT the multipliers are those of `fit_multipliers`, rounded once. TFLite Micro rounds
    twice, with the plain multiplier that convolutions have, too.

    Parameters
    ----------
    name : of the layer.
    shape : (height, width, channels) of its input, which it reads as one vector.
    runtime : whose bytes the layer gives.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : a form of the operator that is not supported, or sums times scale exceed 32 bits,
        which LiteRT's do not allow.
    """
    o = _operands(op)
    weights, rounding, inexact = o.weights.values, Rounding.SINGLE, 0
    if runtime == Runtime.TFLM:
        m, shift = factors(op, o, weights, _micro_scale(o))
        rounding = Rounding.DOUBLE
    else:
        m, shift, inexact = _fitted(str(op), o)
    layer = Dense(
        name,
        weights.astype(np.int8, copy=False),
        o.biases(),
        o.input,
        m,
        shift,
        o.output,
        rounding,
        input_shape=shape,
        clamp=o.clamp,
    )
    return layer, inexact


def _fitted(where: str, o: Operands) -> tuple[np.ndarray, np.ndarray, int]:
    """int64 multiplier and shift of each channel for LiteRT, and how many are not exact."""
    weights, bias = o.weights.values, o.biases()
    low, high = accumulator_range(weights, bias, o.input.zero_point)
    real = effective_scale(o.input.scale, o.scales, o.output.scale)
    largest = float((np.maximum(np.abs(low), np.abs(high)) * real).max())
    if not largest < 2.0**31 - 256:
        raise Unsupported(
            f"sums times scale reach {largest:.3g}, beyond LiteRT's 32 bits", where=where
        )
    m, shift, exact = fit_multipliers(real, low, high, o.output.zero_point, o.clamp)
    return m, shift, int((~exact).sum())


def _micro_scale(o: Operands) -> np.ndarray:
    """float64 [N], the factor of each channel (`micro_scale`)."""
    own = o.scales if o.weights.scales is None else o.weights.scales
    return np.broadcast_to(micro_scale(o.input.scale, own, o.output.scale), len(o.scales))


def _operands(op: TfliteOperator) -> Operands:
    where = str(op)
    o = operands(op, "[N, K]", axis=0)
    n, k = o.weights.shape
    kept = op.option("keep_num_dims")
    if prod(op.source.shape) != k or (kept and op.source.shape[-1] != k):
        raise Unsupported(
            f"input of shape {list(op.source.shape)} is not one vector of {k}"
            f"{' with keep_num_dims' if kept else ''}",
            where=where,
        )
    if prod(op.target.shape) != n or op.target.shape[-1:] not in ((n,), ()):
        raise CelosiaError(
            f"output of shape {list(op.target.shape)} is not {n} values", where=where
        )
    # As LiteRT tests the bias of weights with one scale (GetQuantizedConvolutionMultipler).
    own = o.weights.scales
    if o.bias is not None and o.bias.scales is not None and own is not None and len(own) == 1:
        product = float(np.float32(o.input.scale)) * float(own[0])
        if abs(product - float(o.bias.scales[0])) / float(np.float32(o.output.scale)) > 0.02:
            raise CelosiaError(
                f"bias scale {o.bias.scales[0]:g} is not input times weight scale, {product:g}",
                where=where,
            )
    return o
