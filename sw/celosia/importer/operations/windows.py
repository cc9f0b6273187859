"""Operators on maps: convolutions, pools, means and borders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from celosia.importer.values import Base, Value
from celosia.importer.values.value import Map
from celosia.network.float_layers import (
    FloatAveragePool,
    FloatConvolution,
    FloatDepthwise,
    FloatMaxPool,
    FloatMean,
    FloatPad,
)
from celosia.network.functions import X
from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError, Unsupported

from .constants import BATCH, Operand

__all__ = ["Window", "adaptive_pool", "convolution", "mean", "pad", "pool", "same_padding"]

#: Pixels that a window may reach outside of the map, or step at once.
_FARTHEST = 1 << 16


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
        if len(found) != axes or not all(0 <= each <= _FARTHEST for each in found):
            raise CelosiaError(f"{found} for {axes} axes of a map")
        return (found[0], found[1]) if axes == 2 else (default, found[0])


_PLAIN = Window()


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


def convolution(
    x: Operand,
    weights: Operand,
    bias: Operand | None = None,
    window: Window = _PLAIN,
    groups: int = 1,
    channels_first: bool = True,
) -> Value:
    """A convolution of a map with channels first, or last.

    Parameters
    ----------
    weights : constant [N, C / groups, *kernel]; the kernel has an axis for each of the map's.
    bias : constant [N].

    Raises
    ------
    CelosiaError : the shapes do not fit.
    Unsupported : maps of three or more dimensions, or weights that are not constants.
    """
    if isinstance(weights, Value) or isinstance(bias, Value):
        raise Unsupported("its weights depend on the model's input")
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    weights = np.asarray(weights, np.float64)
    seen, axes = x.as_map(channels_first), len(x.shape) - 1
    if weights.ndim != axes + 2:
        raise CelosiaError(f"weights {list(weights.shape)} on a map of {axes} axes")
    weights = weights if axes == 2 else weights[:, :, None]
    n, per_group = weights.shape[:2]
    channels = seen.shape[2]
    if type(groups) is not int or groups < 1 or per_group * groups != channels or n % groups:
        raise CelosiaError(
            f"weights for {per_group} channels in {groups} groups on a map {list(seen.shape)}"
        )
    total = np.zeros(n) if bias is None else np.asarray(bias, np.float64).reshape(-1)
    if total.shape != (n,):
        raise CelosiaError(f"a bias of {list(np.shape(np.asarray(bias)))} does not fit {n} outputs")
    if not (np.isfinite(weights).all() and np.isfinite(total).all()):
        raise CelosiaError("a constant is not a finite number")
    x.walk.budget.spend(2 * weights.size)
    kind, arranged = _arranged(weights, seen, groups, x)
    parameters = {"weights": arranged, "bias": total} | _fitted(
        window, seen, weights.shape[2:], axes, dilated=True
    )
    source = seen.source
    border = source[0]
    if border.kind is FloatPad and source[1] == X and border.shape[:2] == seen.shape[:2]:
        source, parameters = _without_pad(border, parameters)
    shape = (*parameters["output_size"], n)
    base = Base(kind, shape, (source,), parameters, x.walk.where)
    return _map_value(x, base, axes, channels_first)


def _arranged(
    weights: np.ndarray, seen: Map, groups: int, x: Value
) -> tuple[type[FloatConvolution] | type[FloatDepthwise], np.ndarray]:
    """The layer and its weights, for weights [N, channels of a group, height, width]."""
    n, per_group, height, width = weights.shape
    channels, read = seen.shape[2], seen.channels
    if groups == channels > 1 and read is None:
        return FloatDepthwise, weights[:, 0].transpose(1, 2, 0)
    last = weights.transpose(0, 2, 3, 1)
    if groups == 1 and read is None:
        return FloatConvolution, last
    wide = seen.source[0].shape[2]
    x.walk.budget.spend(n * height * width * wide)
    full = np.zeros((n, height, width, wide))
    places = np.arange(channels) if read is None else read
    for group in range(groups):
        rows = slice(group * (n // groups), (group + 1) * (n // groups))
        columns = places[group * per_group : (group + 1) * per_group]
        np.add.at(full[rows], np.index_exp[:, :, :, columns], last[rows])  # type: ignore[arg-type]
    return FloatConvolution, full


def _fitted(
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


def _without_pad(pad: Base, parameters: dict) -> tuple[tuple, dict]:
    """A convolution of a map with a border of zeros as one with padding."""
    border, (top, left) = pad.parameters, parameters["padding"]
    changed = {
        "input_shape": border["input_shape"],
        "padding": (top + border["top"], left + border["left"]),
    }
    return pad.sources[0], parameters | changed


def _map_value(x: Value, base: Base, axes: int, channels_first: bool) -> Value:
    own = np.arange(base.width).reshape(base.shape)
    own = own if axes == 2 else own[0]
    if channels_first:
        own = np.moveaxis(own, -1, 0)
    return Value.of(x.walk, base, own[None])


def _as_full_map(x: Operand, channels_first: bool) -> Map:
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    seen = x.as_map(channels_first)
    if seen.channels is not None:
        raise Unsupported("it reads channels in another order than a layer gives them")
    return seen


def pool(
    x: Operand,
    kind: str,
    kernel: Sequence[int],
    window: Window = _PLAIN,
    count_padding: bool = False,
    channels_first: bool = True,
) -> Value:
    """The "max" or "average" of windows of a map with channels first, or last.

    Parameters
    ----------
    count_padding : averages count the zeros of the padding.

    Raises
    ------
    CelosiaError : sizes that are not possible.
    """
    seen = _as_full_map(x, channels_first)
    assert isinstance(x, Value)
    axes = len(x.shape) - 1
    size = window.two(kernel, 1, axes)
    parameters = _fitted(window, seen, size, axes, dilated=False)
    source = seen.source
    begin, end = window.two(window.begin, 0, axes), window.two(window.end, 0, axes)
    if kind == "average" and count_padding and (any(begin) or any(end)):
        bordered = _pad(seen, begin, end, x.walk.where)
        source = bordered, X
        parameters |= {"input_shape": bordered.shape, "padding": (0, 0)}
    layer = FloatMaxPool if kind == "max" else FloatAveragePool
    output: tuple[int, int] = parameters["output_size"]
    shape = (*output, seen.shape[2])
    base = Base(layer, shape, (source,), {"kernel": size, **parameters}, x.walk.where)
    return _map_value(x, base, axes, channels_first)


def adaptive_pool(
    x: Operand, kind: str, sizes: Sequence[int | None], channels_first: bool = True
) -> Value:
    """As `pool`, in windows that give a map of these ``sizes``; None for the map's own.

    Raises
    ------
    Unsupported : they do not divide the map's.
    """
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    axes = len(x.shape) - 1
    own = x.shape[1:] if channels_first else x.shape[:-1]
    wanted = [own[k] if each is None else int(each) for k, each in enumerate(sizes)]
    if len(wanted) != axes or min(wanted, default=0) < 1:
        raise CelosiaError(f"a map of {wanted} from one of {list(own)}")
    if any(size % want for size, want in zip(own, wanted, strict=True)):
        raise Unsupported(f"a map of {wanted} from one of {list(own)}: windows of unequal sizes")
    steps = [size // want for size, want in zip(own, wanted, strict=True)]
    if all(step == 1 for step in steps):
        return x
    if kind == "average" and all(want == 1 for want in wanted):
        first = 2 if channels_first else 1
        return mean(x, range(first, first + axes), keep=True)
    return pool(x, kind, steps, Window(steps), channels_first=channels_first)


def mean(x: Operand, axes: Sequence[int], keep: bool) -> Value:
    """The mean over all pixels of a map: ``axes`` are all but the batch and the channels.

    Raises
    ------
    Unsupported : over other axes.
    """
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    rank = len(x.shape) + 1
    if any(not -rank <= axis < rank for axis in axes):
        raise CelosiaError(f"axes {list(axes)} of {rank}")
    over = {int(axis) % rank for axis in axes}
    left = [axis for axis in range(1, rank) if axis not in over]
    if 0 in over or left not in ([1], [rank - 1]) or rank < 3:
        raise Unsupported(f"over axes {sorted(over)} of {rank}, not all pixels of a map")
    seen = _as_full_map(x, left == [1])
    n = seen.shape[2]
    if seen.shape[:2] == (1, 1):
        return x if keep else x.moved(x.order.reshape(1, n))
    base = Base(FloatMean, (1, 1, n), (seen.source,), {"input_shape": seen.shape}, x.walk.where)
    shape = [n if axis in left else 1 for axis in range(1, rank)] if keep else [n]
    return Value.of(x.walk, base, np.arange(n).reshape(1, *shape))


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
    if BATCH in begin or BATCH in end or max(map(abs, [*begin, *end]), default=0) > _FARTHEST:
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
    return _bordered(x, begin, end, channels_first)


def _channels_first(x: Value) -> bool:
    """Which of both a tensor is, whose shape alone does not say."""
    try:
        x.as_map(True)
    except Unsupported:
        return False
    return True


def _bordered(x: Value, begin: list[int], end: list[int], channels_first: bool) -> Value:
    seen = _as_full_map(x, channels_first)
    inner = slice(2, None) if channels_first else slice(1, -1)
    before, behind = begin[inner], end[inner]
    axes = len(before)
    first, last = ([0, *each] if axes == 1 else each for each in (before, behind))
    return _map_value(x, _pad(seen, first, last, x.walk.where), axes, channels_first)


def _pad(seen: Map, begin: Sequence[int], end: Sequence[int], origin: str) -> Base:
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
