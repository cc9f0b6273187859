"""Borders of zeros around maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from celosia.importer.values import Base, Value
from celosia.importer.values.value import Map
from celosia.network.float_layers import FloatPad
from celosia.network.functions import X
from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError, Unsupported

from .constants import BATCH, Operand
from .windows import FARTHEST, as_full_map, map_value

__all__ = ["bordered", "pad"]


def pad(
    x: Operand,
    begin: Sequence[int],
    end: Sequence[int],
    value: float = 0.0,
    channels_first: bool | None = None,
) -> Operand:
    """``x`` with a border before and behind each of its axes, the batch among them.

    Parameters
    ----------
    channels_first : whether a map's channels are; None where only the border tells.

    Raises
    ------
    Unsupported : a border that is not of zeros, or around the batch or the channels.
    """
    begin, end = [int(each) for each in begin], [int(each) for each in end]
    rank = len(x.shape) + isinstance(x, Value)
    if len(begin) != rank or len(end) != rank:
        raise CelosiaError(f"a border for {len(begin)} axes of {rank}")
    if BATCH in begin or BATCH in end or max(map(abs, [*begin, *end]), default=0) > FARTHEST:
        raise CelosiaError(f"a border of {begin} and {end}")
    if not isinstance(x, Value):
        if min(*begin, *end, 0) < 0:
            raise Unsupported("a negative border")
        return np.pad(x, list(zip(begin, end, strict=True)), constant_values=value)
    if not any(begin) and not any(end):
        return x
    if value:
        raise Unsupported(f"a border of {value:g}, not of zeros")
    if min(*begin, *end) < 0:
        raise Unsupported("a negative border")
    if begin[0] or end[0] or rank not in (3, 4):
        raise Unsupported(f"a border around axis 0 of {rank}")
    around = [axis for axis in range(1, rank) if begin[axis] or end[axis]]
    first = 1 not in around
    if not first and rank - 1 in around:
        raise Unsupported(f"a border around the channels: axes {around} of {rank}")
    channels = rank - 1 if channels_first is False else 1
    if channels_first is not None and channels in around:
        raise Unsupported(f"a border around the channels, axis {channels} of {rank}")
    if channels_first is None:
        both = first and rank - 1 not in around
        channels_first = _channels_first(x) if both else first
    return _around_pixels(x, begin, end, channels_first)


def _channels_first(x: Value) -> bool:
    """Which of both a tensor is, whose shape alone does not say."""
    try:
        x.as_map(True)
    except Unsupported:
        return False
    return True


def _around_pixels(x: Value, begin: list[int], end: list[int], channels_first: bool) -> Value:
    seen = as_full_map(x, channels_first)
    inner = slice(2, None) if channels_first else slice(1, -1)
    before, behind = begin[inner], end[inner]
    axes = len(before)
    first, last = ([0, *each] if axes == 1 else each for each in (before, behind))
    return map_value(x, bordered(seen, first, last, x.walk.where), axes, channels_first)


def bordered(seen: Map, begin: Sequence[int], end: Sequence[int], origin: str) -> Base:
    """The layer that adds pixels of zeros before and behind (height, width) of a map."""
    height, width, channels = seen.shape
    shape: Shape = (begin[0] + height + end[0], begin[1] + width + end[1], channels)
    border = {"top": begin[0], "bottom": end[0], "left": begin[1], "right": end[1]}
    source, (inner, f) = seen.source, seen.source
    parameters: dict[str, Any] = {"input_shape": seen.shape}
    if inner.kind is FloatPad and f == X and inner.shape == seen.shape:
        # A border around a border is one.
        source, parameters = inner.sources[0], {"input_shape": inner.parameters["input_shape"]}
        border = {side: width + inner.parameters[side] for side, width in border.items()}
    return Base(FloatPad, shape, (source,), parameters | border, origin)
