"""How windows lie on a map, and a layer's map as a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from celosia.importer.values import Base, Value
from celosia.importer.values.value import Map
from celosia.support.errors import CelosiaError, Unsupported

from .constants import Operand

__all__ = ["FARTHEST", "PLAIN", "Window", "as_full_map", "fitted", "map_value", "same_padding"]

#: Pixels that a window may reach outside of the map, or step at once.
FARTHEST = 1 << 16


@dataclass(frozen=True)
class Window:
    """How windows lie on a map, one number for each axis of the map.

    Parameters
    ----------
    stride, dilation : pixels; () for 1.
    begin, end : pixels of padding before and behind the map; () for none.
    ceil : a last window that reaches beyond the padding counts.
    """

    stride: Sequence[int] = ()
    dilation: Sequence[int] = ()
    begin: Sequence[int] = ()
    end: Sequence[int] = ()
    ceil: bool = False

    def two(self, values: Sequence[int], default: int, axes: int) -> tuple[int, int]:
        """``values`` of a map of one or two axes as (along height, along width)."""
        found = [default] * axes if not len(values) else [int(each) for each in values]
        if len(found) == 1 and axes == 2:
            found = found * 2
        if len(found) != axes or not all(0 <= each <= FARTHEST for each in found):
            raise CelosiaError(f"{found} for {axes} axes of a map")
        return (found[0], found[1]) if axes == 2 else (default, found[0])


PLAIN = Window()


def same_padding(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    upper: bool = True,
) -> tuple[list[int], list[int]]:
    """(before, behind) for ceil(size / stride) results; an odd pixel is behind if ``upper``."""
    begin, end = [], []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        if s < 1:
            raise CelosiaError(f"stride {s} is not possible")
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begin.append(small if upper else large)
        end.append(large if upper else small)
    return begin, end


def fitted(
    window: Window, seen: Map, kernel: Sequence[int], axes: int, dilated: bool
) -> dict[str, Any]:
    """Arguments of a layer with windows."""
    size, kernel = seen.shape[:2], tuple(int(each) for each in kernel)
    stride, dilation = window.two(window.stride, 1, axes), window.two(window.dilation, 1, axes)
    begin, end = window.two(window.begin, 0, axes), window.two(window.end, 0, axes)
    if min(stride) < 1 or min(dilation) < 1 or min(kernel) < 1:
        raise CelosiaError(f"kernel {list(kernel)} or its stride or dilation is not possible")
    found = []
    for axis in (0, 1):
        reach = size[axis] + begin[axis] + end[axis] - dilation[axis] * (kernel[axis] - 1) - 1
        if reach < 0:
            wide = f" with dilation {list(dilation)}" if max(dilation) > 1 else ""
            raise CelosiaError(
                f"kernel {list(kernel)}{wide} is larger than the map {list(seen.shape)}"
            )
        count = (-(-reach // stride[axis]) if window.ceil else reach // stride[axis]) + 1
        if window.ceil and (count - 1) * stride[axis] >= size[axis] + begin[axis]:
            count -= 1
        found.append(count)
    # A step along an axis of one pixel is none; formats without lines give it one.
    alone = [size[axis] == found[axis] == 1 for axis in (0, 1)]
    stride = (1 if alone[0] else stride[0], 1 if alone[1] else stride[1])
    fitted: dict[str, Any] = {
        "input_shape": (*size, seen.source[0].shape[2]),
        "output_size": (found[0], found[1]),
        "stride": stride,
        "padding": begin,
    }
    return fitted | ({"dilation": dilation} if dilated else {})


def map_value(x: Value, base: Base, axes: int, channels_first: bool) -> Value:
    """The result of ``base`` as a map of so many axes, with its channels first or last."""
    own = np.arange(base.width).reshape(base.shape)
    own = own if axes == 2 else own[0]
    if channels_first:
        own = np.moveaxis(own, -1, 0)
    return Value.of(x.walk, base, own[None])


def as_full_map(x: Operand, channels_first: bool) -> Map:
    """``x`` as a map whose channels are those of its layer, in their order.

    Raises
    ------
    Unsupported : it is not.
    """
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    seen = x.as_map(channels_first)
    if seen.channels is not None:
        raise Unsupported("it reads channels in another order than a layer gives them")
    return seen
