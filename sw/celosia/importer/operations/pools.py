"""Pools of maps, in windows or over all pixels."""

from collections.abc import Sequence

import numpy as np

from celosia.importer.values import Base, Value
from celosia.network.float_layers import FloatAveragePool, FloatMaxPool, FloatMean
from celosia.network.functions import X
from celosia.support.errors import CelosiaError, Unsupported

from .border import bordered
from .constants import Operand
from .windows import PLAIN, Window, as_full_map, fitted, map_value

__all__ = ["adaptive_pool", "mean", "pool"]


def pool(
    x: Operand,
    kind: str,
    kernel: Sequence[int],
    window: Window = PLAIN,
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
    seen = as_full_map(x, channels_first)
    assert isinstance(x, Value)
    axes = len(x.shape) - 1
    size = window.two(kernel, 1, axes)
    parameters = fitted(window, seen, size, axes, dilated=False)
    source = seen.source
    begin, end = window.two(window.begin, 0, axes), window.two(window.end, 0, axes)
    if kind == "average" and count_padding and (any(begin) or any(end)):
        border = bordered(seen, begin, end, x.walk.where)
        source = border, X
        parameters |= {"input_shape": border.shape, "padding": (0, 0)}
    layer = FloatMaxPool if kind == "max" else FloatAveragePool
    output: tuple[int, int] = parameters["output_size"]
    shape = (*output, seen.shape[2])
    base = Base(layer, shape, (source,), {"kernel": size, **parameters}, x.walk.where)
    return map_value(x, base, axes, channels_first)


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
    seen = as_full_map(x, left == [1])
    n = seen.shape[2]
    if seen.shape[:2] == (1, 1):
        return x if keep else x.moved(x.order.reshape(1, n))
    base = Base(FloatMean, (1, 1, n), (seen.source,), {"input_shape": seen.shape}, x.walk.where)
    shape = [n if axis in left else 1 for axis in range(1, rank)] if keep else [n]
    return Value.of(x.walk, base, np.arange(n).reshape(1, *shape))
