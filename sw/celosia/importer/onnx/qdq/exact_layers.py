"""int8 layers of one rounding for quantized models: copies, factors of channels, pools."""

from math import prod
from typing import Any

import numpy as np

from celosia.importer.values import Base
from celosia.network.functions import Function, X
from celosia.network.layers import Depthwise, Layer, Shape
from celosia.numerics.multiplier import effective_scale
from celosia.numerics.quant import Quant
from celosia.quant.activation import clamp_of
from celosia.quant.exact_multiplier import fit_multipliers
from celosia.spec import Rounding
from celosia.support.errors import Unsupported

from .linear import TODO

__all__ = ["copy", "scaled", "summed"]


def copy(quant: Quant, shape: Shape) -> Depthwise:
    """A layer that changes nothing: one tap of weight 1, times 2**30 / 2**31 * 2**1."""
    n = shape[2]
    ones, zeros = np.ones((1, 1, n), np.int8), np.zeros(n, np.int32)
    m, shift = np.full(n, 1 << 30, np.int64), np.ones(n, np.int64)
    return Depthwise("copy", ones, zeros, quant, m, shift, quant, shape, shape[:2])


def scaled(made: Base, source: Quant, quant: Quant, f: Function, limits: tuple[int, int]) -> Layer:
    """A factor and a summand for each channel as a depthwise convolution of one tap, whose weights
    of 64 leave the summands six more bits than the input has."""
    channels = made.shape[2]
    scale, shift = (np.asarray(made.parameters[name], np.float64) for name in ("scale", "shift"))
    if len(scale) != channels:
        raise Unsupported("factors that differ between pixels", todo=TODO)
    if f != X and not f.limits:
        raise Unsupported(f"{f} follows a layer whose sums have no scale", todo=TODO)
    if (np.abs(scale) < np.finfo(np.float32).tiny * 64).any():
        raise Unsupported("a factor of 0", todo=TODO)
    low, high = clamp_of(f, quant)
    clamp = max(low, limits[0]), max(min(high, limits[1]), limits[0])
    unit = (np.abs(scale) / 64).astype(np.float32)
    bias = np.rint(shift / (np.float64(source.scale) * unit))
    if np.abs(bias).max() >= 1 << 30:
        raise Unsupported("a summand exceeds 32 bits")
    weights = np.where(scale < 0, -64, 64).astype(np.int8).reshape(1, 1, channels)
    real = effective_scale(source.scale, unit, quant.scale)
    reach = np.full(channels, 64 * 255) + np.abs(bias).astype(np.int64)
    m, shifts, _ = fit_multipliers(real, -reach, reach, quant.zero_point, clamp)
    return Depthwise(
        "scale",
        weights,
        bias.astype(np.int32),
        source,
        m,
        shifts,
        quant,
        made.shape,
        made.shape[:2],
        clamp=clamp,
        rounding=Rounding.SINGLE,
    )


def summed(layer: Any, source: Quant, quant: Quant, limits: tuple[int, int]) -> Layer | None:
    """An average pool as a depthwise convolution with weights of 1, which rounds once; None where
    windows have different numbers of pixels."""
    kernel, channels = layer.kernel, layer.input_shape[2]
    count = prod(kernel)
    if (layer.window.inside(layer.input_shape) != count).any() or count > 1 << 10:
        return None
    real = np.full(channels, effective_scale(source.scale, np.ones(1, np.float32), quant.scale))
    real = real / count
    reach = count * 255
    low, high = np.full(channels, -reach), np.full(channels, reach)
    m, shift, _ = fit_multipliers(real, low, high, quant.zero_point, limits)
    return Depthwise(
        "average_pool",
        np.ones((*kernel, channels), np.int8),
        np.zeros(channels, np.int32),
        source,
        m,
        shift,
        quant,
        layer.input_shape,
        layer.output_size,
        layer.stride,
        clamp=limits,
        rounding=Rounding.SINGLE,
    )
