"""An addition as a window: weights for which one requantization gives LiteRT's sums.

LiteRT rescales both bytes, adds, and rescales again; the engine rounds ``w1 * a + w2 * b`` once.
All 65,536 pairs of bytes are tried, so that what is found is proved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from celosia.spec import ACTIVATION, WEIGHT, ceil_div

from .ratio import Ratios
from .staircase import Factor, fit

__all__ = ["Sum", "fit_sum"]

#: Taps that a tensor may have. Their weights add up.
_TAPS = 255
#: Taps of both tensors up to which pairs of weights are listed at once.
_LISTED = (4, 32, 2 * _TAPS)
#: Pairs that are tried. Nearly always the first one fits.
_TRIED = 256
#: More than the rounding errors in a product of a weight and a ratio.
_EPSILON = 1e-6


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
    """The weights of fewest taps that give all results.

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
    flip = ratio < 1
    bounds = Ratios(*((a, b) if flip else (b, a)), results, clamp).bounds()
    for large, small in islice(_pairs(*bounds), _TRIED) if bounds else ():
        weights = (small, large) if flip else (large, small)
        factor = fit(weights[0] * a + weights[1] * b, results, clamp, zero_points)
        if factor is not None:
            return Sum(weights, factor)
    return None


def _pairs(low: float, high: float) -> Iterator[tuple[int, int]]:
    """Pairs of weights, the second one between ``low`` and ``high`` times the first, both excluded.

    Those of fewest taps are first, and of these the largest weights: they leave the bias most room.
    """
    listed = 0
    for most in _LISTED:
        large = np.arange(1, min(most - 1, _TAPS) * WEIGHT.max + 1)
        first = np.maximum(np.ceil(large * low + _EPSILON), 0).astype(int)
        last = np.floor(large * high - _EPSILON).astype(int)
        count = np.maximum(last - first + 1, 0)
        ends = np.cumsum(count)
        large = np.repeat(large, count)
        small = np.repeat(first, count) + np.arange(len(large)) - np.repeat(ends - count, count)
        each = [np.maximum(-(-weight // WEIGHT.max), 1) for weight in (large, small)]
        taps = each[0] + each[1]
        new = np.flatnonzero((taps > listed) & (taps <= most) & (each[1] <= _TAPS))
        order = new[np.lexsort((-(large + small)[new], taps[new]))]
        yield from zip(large[order].tolist(), small[order].tolist(), strict=True)
        listed = most
