"""The values that each channel of a graph can have, whatever the input."""

from dataclasses import dataclass, replace

import numpy as np

from celosia.numerics.requantize import rescale
from celosia.spec import ACC, Rounding

from .graph import Graph
from .layers import (
    Add,
    Concatenation,
    Convolution,
    Dense,
    Depthwise,
    Layer,
    Mean,
    Pad,
    Shape,
    Window,
)

__all__ = ["Range", "channel_ranges", "never_outside", "sum_ranges"]


@dataclass(frozen=True, eq=False)
class Range:
    """int64 [channels]: the smallest and the largest value of each channel, in any pixel."""

    low: np.ndarray
    high: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """bool [channels]: whether there is only one value."""
        return self.low == self.high


def channel_ranges(graph: Graph) -> list[Range]:
    """A `Range` of every tensor, from -128..127 of the input, by the layers' exact arithmetic.

    Every layer is non-decreasing in every product of a value and its weight, so that the ends of
    the ranges give the ends of the result. Ranges may be too wide, never too narrow: values of
    different pixels and channels are taken to be independent.
    """
    everything = np.full(graph.shapes[0][2], -128, np.int64)
    ranges = [Range(everything, everything + 255)]
    for layer, reads in zip(graph.layers, graph.reads, strict=True):
        sources = [ranges[tensor] for tensor in reads]
        ranges.append(_through_table(layer, _before_table(layer, sources)))
    return ranges


def never_outside(window: Window, shape: Shape) -> np.ndarray:
    """bool [taps]: whether a tap lies inside of a map of ``shape`` for every output pixel."""
    return np.asarray(_inside(window, shape).all(axis=1))


def _inside(window: Window, shape: Shape) -> np.ndarray:
    """bool [taps, output pixels]: whether a tap lies inside of a map of ``shape``."""
    ones = np.ones((1, *shape[:2], 1), bool)
    return np.array([values.ravel() for _, _, values in window.taps(ones, 0)])


def _before_table(layer: Layer, sources: list[Range]) -> Range:
    """Of the result within the clamp."""
    source = sources[0]
    if isinstance(layer, Concatenation):
        lows, highs = [each.low for each in sources], [each.high for each in sources]
        return _clamped(layer, np.concatenate(lows), np.concatenate(highs))
    if isinstance(layer, Add):
        table = replace(layer, table=None, table_output=None).function().astype(np.int64)
        one, other = sources
        return Range(table[one.low + 128, other.low + 128], table[one.high + 128, other.high + 128])
    if isinstance(layer, Pad):
        if layer.outputs == layer.inputs:
            return _clamped(layer, source.low, source.high)
        zero = layer.input.zero_point
        return _clamped(layer, np.minimum(source.low, zero), np.maximum(source.high, zero))
    if isinstance(layer, Mean):
        n, none = layer.input_shape[0] * layer.input_shape[1], np.zeros_like(source.low)
        low, high = (n * (end - layer.input.zero_point) for end in (source.low, source.high))
        m, shift = layer.factor
        return _requantized(layer, low, high, none, none + m, none + shift)
    if isinstance(layer, Dense | Convolution | Depthwise):
        low, high = _sums(layer, source)
        return _requantized(layer, low, high, layer.bias, layer.multiplier, layer.shift)
    # The mean or the maximum of values in a range lies in it.
    return _clamped(layer, source.low, source.high)


def sum_ranges(layer: Dense | Convolution | Depthwise, source: Range) -> Range:
    """int64 [N]: the smallest and the largest sum of each channel, bias included, for an input of
    which each channel lies in ``source``."""
    low, high = _sums(layer, source)
    return Range(low + layer.bias, high + layer.bias)


def _sums(layer: Dense | Convolution | Depthwise, source: Range) -> tuple[np.ndarray, np.ndarray]:
    """int64 [N]: smallest and largest sum before the bias."""
    x = source.low - layer.input.zero_point, source.high - layer.input.zero_point
    if isinstance(layer, Dense):
        pixels = layer.inputs // len(source.low)
        low, high = (np.tile(end, pixels) for end in x)
        weights = layer.weights.astype(np.int64)
        return _extremes(weights, low, high)
    # [taps, C]: a tap outside of the map adds 0.
    inside = _inside(layer.window, layer.input_shape)
    always = inside.all(axis=1, keepdims=True)
    never = ~inside.any(axis=1, keepdims=True)
    low = np.where(always, x[0], np.where(never, 0, np.minimum(x[0], 0)))
    high = np.where(always, x[1], np.where(never, 0, np.maximum(x[1], 0)))
    if isinstance(layer, Depthwise):
        low, high = (np.repeat(end, layer.copies, axis=1) for end in (low, high))
        weights = layer.weights.reshape(-1, layer.weights.shape[2]).astype(np.int64)
        return (
            np.minimum(weights * low, weights * high).sum(axis=0),
            np.maximum(weights * low, weights * high).sum(axis=0),
        )
    weights = layer.weights.reshape(len(layer.weights), -1).astype(np.int64)
    return _extremes(weights, low.ravel(), high.ravel())


def _extremes(
    weights: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of ``weights @ x`` for x in low..high; weights int64 [N, K]."""
    positive, negative = np.maximum(weights, 0), np.minimum(weights, 0)
    return positive @ low + negative @ high, positive @ high + negative @ low


def _requantized(
    layer: Layer,
    low: np.ndarray,
    high: np.ndarray,
    bias: np.ndarray,
    multiplier: np.ndarray,
    shift: np.ndarray,
) -> Range:
    """Of the clamped result of sums in low..high."""
    rounding = getattr(layer, "rounding", Rounding.DOUBLE)
    # Beyond 32 bits sums wrap, and order is lost.
    up = np.maximum(np.asarray(shift, np.int64), 0)
    largest = np.maximum(np.abs(low + bias), np.abs(high + bias)).astype(np.float64) * 2.0**up
    wraps = largest > ACC.max
    ends = [
        rescale(np.where(wraps, 0, end), bias, multiplier, shift, rounding)
        + layer.output.zero_point
        for end in (low, high)
    ]
    clipped = [np.clip(end, *layer.clamp) for end in ends]
    return Range(
        np.where(wraps, layer.clamp[0], clipped[0]), np.where(wraps, layer.clamp[1], clipped[1])
    )


def _clamped(layer: Layer, low: np.ndarray, high: np.ndarray) -> Range:
    return Range(np.clip(low, *layer.clamp), np.clip(high, *layer.clamp))


def _through_table(layer: Layer, before: Range) -> Range:
    if layer.table is None:
        return before
    parts = [
        layer.table[low + 128 : high + 129].astype(np.int64)
        for low, high in zip(before.low, before.high, strict=True)
    ]
    return Range(np.array([p.min() for p in parts]), np.array([p.max() for p in parts]))
