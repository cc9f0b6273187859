"""Layers of a graph in real numbers: neither rounded nor saturated."""

import numpy as np

from celosia.network.layers import (
    Add,
    AveragePool,
    Concatenation,
    Convolution,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Mean,
    Pad,
)

__all__ = ["real"]


def real(layer: Layer, *inputs: np.ndarray) -> np.ndarray:
    """The layer's result, float64 [images, outputs], of real inputs, float64 [images, values] each.

    Real is ``(q - zero_point) * scale`` of a byte q. Clamps are those of the model's activation:
    one at an end of int8 is only saturation, unless it is at the zero point. A table is
    interpolated.
    """
    maps = [x.reshape(len(x), *s) for x, s in zip(inputs, layer.input_shapes, strict=True)]
    v = _before_clamp(layer, maps) / layer.output.scale + layer.output.zero_point
    low, high = layer.clamp
    if low > -128 or low == layer.output.zero_point:
        v = np.maximum(v, low)
    if high < 127:
        v = np.minimum(v, high)
    if layer.table is not None:
        v = np.interp(v, np.arange(-128, 128), layer.table.astype(np.float64))
    return (v.reshape(len(v), -1) - layer.result.zero_point) * layer.result.scale


def _before_clamp(layer: Layer, maps: list[np.ndarray]) -> np.ndarray:
    x = maps[0]
    if isinstance(layer, Dense | Convolution | Depthwise):
        factor = layer.multiplier * 2.0 ** (layer.shift - 31)
        return (_sums(layer, x / layer.input.scale) + layer.bias) * factor * layer.output.scale
    if isinstance(layer, Add):
        return x + maps[1]
    if isinstance(layer, AveragePool):
        total = sum(values for _, _, values in layer.window.taps(x, 0))
        return total / layer.window.inside(layer.input_shape)[None, :, :, None]
    if isinstance(layer, MaxPool):
        lowest = int(np.floor(x.min())) - 1  # below all values: it never counts
        taps = (values for _, _, values in layer.window.taps(x, lowest))
        return np.max(np.stack(list(taps)), axis=0)
    if isinstance(layer, Mean):
        return x.mean(axis=(1, 2))
    if isinstance(layer, Pad):
        return np.pad(x, ((0, 0), (layer.top, layer.bottom), (layer.left, layer.right), (0, 0)))
    assert isinstance(layer, Concatenation)
    return np.concatenate(maps, axis=-1)


def _sums(layer: Dense | Convolution | Depthwise, x: np.ndarray) -> np.ndarray:
    """Of products, in units of an input's step."""
    weights = layer.weights.astype(np.float64)
    if isinstance(layer, Dense):
        return x.reshape(len(x), -1) @ weights.T
    total = np.zeros((len(x), *layer.output_shape))
    for ky, kx, values in layer.window.taps(x, 0):
        if isinstance(layer, Convolution):
            total += values @ weights[:, ky, kx].T
        else:
            total += np.repeat(values, layer.copies, axis=-1) * weights[ky, kx]
    return total
