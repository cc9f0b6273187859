"""Averages and maxima as DEPTHWISE kernels."""

from functools import lru_cache

import numpy as np

from celosia.network.layers import AveragePool, MaxPool
from celosia.ops.pack import element_table
from celosia.spec import ACTIVATION, OFFSET
from celosia.support.errors import CelosiaError

from .kernel import View
from .lowering import Lowering
from .post import IDENTITY, Post, offset
from .staircase import Factor, fit

__all__ = ["average", "average_factor", "maximum"]


@lru_cache(maxsize=1024)
def average_factor(n: int, clamp: tuple[int, int], zero_point: int) -> Factor | None:
    """A factor for LiteRT's AVERAGE_POOL_2D of n bytes in offset binary, proved for all sums.

    ``(sum + n / 2) / n`` of sums above 0 and ``(sum - n / 2) / n`` of others, divisions in C
    (``tflite/kernels/internal/reference/integer_ops/pooling.h``).
    """
    sums = np.arange(ACTIVATION.max * n + 1)
    q = sums - OFFSET * n
    # C's divisions truncate: the half of n is its integer part.
    mean = np.sign(q) * ((np.abs(q) + n // 2) // n)
    values = np.clip(mean + OFFSET, *clamp).astype(np.uint8)
    return fit(sums, values, clamp, tuple(dict.fromkeys((OFFSET, 0, zero_point))))


def average(
    low: Lowering,
    layer: AveragePool,
    view: View,
    source_size: tuple[int, int],
    tensor: int,
    folded: tuple[int, int] | None = None,
) -> View:
    """An average over the bytes inside the map.

    Windows that overhang an edge have another divisor: a kernel makes all lines that have the same
    number of taps inside, others make the columns at the sides again.

    Parameters
    ----------
    view, source_size : what is read, and its lines and pixels of a line.
    tensor : number of the result.
    folded : lines and pixels of a padding before the pool that count as the map, or None.
    """
    kernel, stride, size, limits = layer.kernel, layer.stride, layer.output_size, source_size
    before = (0, 0) if folded is None else folded
    padding = (layer.padding[0] + before[0], layer.padding[1] + before[1])
    zero_point, clamp = layer.input.zero_point + OFFSET, offset(layer.clamp)
    table = element_table(layer)
    outside = 0 if folded is None else zero_point
    runs, counts = [], []
    for axis in (0, 1):
        first = np.arange(size[axis]) * stride[axis] - padding[axis]
        inside = np.minimum(first + kernel[axis], limits[axis]) - np.maximum(first, 0)
        if folded is not None:
            inside[:] = kernel[axis]
        starts = np.flatnonzero(np.diff(inside, prepend=-1))
        runs.append(list(zip(starts.tolist(), [*starts[1:].tolist(), size[axis]], strict=True)))
        counts.append(inside)
    made = None
    widest = max(runs[1], key=lambda run: run[1] - run[0])
    columns = [x for x in range(size[1]) if not widest[0] <= x < widest[1]]
    for y, y_end in runs[0]:
        for x, width in [(0, size[1]), *((x, 1) for x in columns)]:
            n = int(counts[0][y] * counts[1][widest[0] if width > 1 or size[1] == 1 else x])
            factor = average_factor(n, clamp, zero_point)
            if factor is None:
                raise CelosiaError(
                    f"no multiplier gives the average of {n} bytes", where=layer.name, todo=_TODO
                )
            made = low.depthwise(
                layer.name,
                view,
                source_size,
                tensor,
                (y_end - y, width),
                np.ones((kernel[0] * kernel[1], len(view.places)), np.int8),
                Post.of(factor, len(view.places), clamp, table),
                into=made,
                whole=size,
                taps=kernel,
                stride=stride,
                padding=(padding[0] - y * stride[0], padding[1] - x * stride[1]),
                corner=(y, x),
                outside=outside,
            )
    assert made is not None  # a map has lines
    return made


def maximum(low: Lowering, layer: MaxPool, view: View, tensor: int) -> View:
    """``max(a, b) = a + max(b - a, 0)``, exact in offset binary, where outside is byte 0.

    Maxima of 2, 4, 8 ... neighbours and at last of the whole window, along x and then along y. All
    but the last step of an axis keep the map's size; the last one strides.
    """
    name, stride, padding, size = layer.name, layer.stride, layer.padding, layer.output_size
    clamp, table = offset(layer.clamp), element_table(layer)
    low.require_depthwise(name)
    source_size, channels = layer.input_shape[:2], len(view.places)
    shape = source_size
    if padding != (0, 0) or view.map == 0:
        shape = shape[0] + padding[0], shape[1] + padding[1]
        view = low.copy(name, view, source_size, None, shape, padding=padding)
    steps = [(axis, *step) for axis in (1, 0) for step in _steps(layer.kernel[axis])]
    if not steps:
        return low.copy(name, view, shape, tensor, size, stride=stride, clamp=clamp, table=table)
    one = Post.of(IDENTITY, channels)
    for index, (axis, step, final) in enumerate(steps):
        last = index == len(steps) - 1
        taps, dilation = ((1, 2), (1, step)) if axis else ((2, 1), (step, 1))
        more = low.depthwise(
            name,
            view,
            shape,
            None,
            shape,
            np.repeat(np.array([[-1], [1]], np.int8), channels, axis=1),
            one,
            taps=taps,
            dilation=dilation,
        )
        strides = stride if last else (1, 1)
        before, shape = shape, size if last else shape
        if final and not last:
            strides, shape = (1, stride[1]), (shape[0], size[1])
            stride = stride[0], 1
        view = low.pair(
            name,
            (view, more),
            before,
            tensor if last else None,
            shape,
            (np.ones(1, np.int8), np.ones(1, np.int8)),
            Post.of(IDENTITY, channels, clamp, table) if last else one,
            stride=strides,
        )
    return view


def _steps(window: int) -> list[tuple[int, bool]]:
    """Distances between maxima that are compared, and whether the window is complete then."""
    steps, length = [], 1
    while length < window:
        step = min(length, window - length)
        length += step
        steps.append((step, length == window))
    return steps


_TODO = "use another pool"
