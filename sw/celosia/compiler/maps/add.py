"""An addition as a window: weights for which one requantization gives LiteRT's sums.

LiteRT rescales both bytes, adds, and rescales again; the engine rounds ``w1 * a + w2 * b`` once.
All 65,536 pairs of bytes are tried, so that what is found is proved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from celosia.spec import ACTIVATION, WEIGHT, ceil_div

from .staircase import Factor, fit

__all__ = ["Sum", "fit_sum"]

#: The largest weight: those of the 255 taps that a tensor may have add up.
_MOST = 255 * WEIGHT.max
_NEAR = 1.5  # errors that are tried, in units of the smallest one so far
_BESIDE = 20  # smaller weights of one size that are tried


@dataclass(frozen=True)
class Sum:
    """``w1 * a + w2 * b`` of two bytes in offset binary, and its requantization."""

    weights: tuple[int, int]
    factor: Factor

    def taps(self) -> tuple[np.ndarray, np.ndarray]:
        """int8 [n1] and int8 [n2], the weights of each tensor's taps: as few as can be, which add
        up to the tensor's weight, as equal as can be."""
        one, two = (_taps(weight) for weight in self.weights)
        return one, two


def _taps(weight: int) -> np.ndarray:
    n = max(ceil_div(weight, WEIGHT.max), 1)
    return np.array([weight // n + (i < weight % n) for i in range(n)], np.int8)


def fit_sum(
    results: np.ndarray, ratio: float, clamp: tuple[int, int], zero_points: tuple[int, ...]
) -> Sum | None:
    """The smallest weights that give all results.

    Parameters
    ----------
    results : uint8 [65536], of all bytes of the first tensor, for each all of the second; results
        and bytes in offset binary.
    ratio : about how much more the first tensor counts than the second.
    clamp, zero_points : see `fit`.

    Returns
    -------
    None if there are none.
    """
    a, b = np.divmod(np.arange(len(results)), ACTIVATION.max + 1)
    order = np.argsort(results, kind="stable")
    a, b, values = a[order], b[order], results[order]
    starts = np.flatnonzero(np.diff(values.astype(np.int64), prepend=-1))
    flip = ratio < 1
    for large, small in chain(*(find(max(ratio, 1 / ratio)) for find in (_nearest, _beside))):
        weights = (small, large) if flip else (large, small)
        sums = weights[0] * a + weights[1] * b
        # Every sum of a value has to be above all sums of smaller values.
        least, most = np.minimum.reduceat(sums, starts), np.maximum.reduceat(sums, starts)
        if (most[:-1] < least[1:]).all():
            factor = fit(sums, values, clamp, zero_points)
            if factor is not None:
                return Sum(weights, factor)
    return None


def _nearest(ratio: float) -> Iterator[tuple[int, int]]:
    """Pairs of a larger and a smaller weight nearer and nearer to ``ratio``, the smallest first.

    A pair is wrong by ``255 * error`` at most where neighbouring sums differ by 1.
    """
    best = 1.0
    for small in range(_MOST + 1):
        large = max(round(small * ratio), 1)
        if large > _MOST:
            return
        error = abs(large - small * ratio)
        if error <= max(_NEAR * best, 1 / (2 * ACTIVATION.max)):
            yield large, small
        best = min(best, error)


def _beside(ratio: float) -> Iterator[tuple[int, int]]:
    """Pairs of large weights beside ``ratio``.

    Near a fraction of small numbers, they tell sums apart that are equal to it.
    """
    for taps in (16, 32, 64, 128, 192, 254):
        middle = round(WEIGHT.max * taps / ratio)
        for small in range(middle - _BESIDE, middle):
            for step in (0, 1, -1):
                large = round(small * ratio) + step
                if 0 <= small <= large <= _MOST:
                    yield large, small
