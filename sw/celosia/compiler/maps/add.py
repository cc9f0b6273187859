"""An addition as a window: weights for which one requantization gives LiteRT's sums.

LiteRT rescales both bytes, adds, and rescales again; the engine rounds ``w1 * a + w2 * b`` once.
All 65,536 pairs of bytes are tried, so that what is found is proved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from celosia.spec import ACTIVATION, WEIGHT, Rounding

from .staircase import Factor, fit

__all__ = ["Sum", "fit_sum"]

#: Taps of a tensor, at most: their weights add up.
TAPS = 255
_NEAR = 1.5  # errors that are tried, in units of the smallest one so far


@dataclass(frozen=True)
class Sum:
    """``w1 * a + w2 * b`` of two bytes in offset binary, and its requantization."""

    weights: tuple[int, int]
    factor: Factor

    def taps(self) -> np.ndarray:
        """int8 [2, n], the weights of n taps of each tensor, as equal as can be."""
        n = max(-(-max(self.weights) // WEIGHT.max), 1)
        parts = [[w // n + (i < w % n) for i in range(n)] for w in self.weights]
        return np.array(parts, np.int8)


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
    for rounding, weights in product((Rounding.SINGLE, Rounding.DOUBLE), _candidates(ratio)):
        sums = weights[0] * a + weights[1] * b
        # Every sum of a value has to be above all sums of smaller values.
        least, most = np.minimum.reduceat(sums, starts), np.maximum.reduceat(sums, starts)
        if (most[:-1] < least[1:]).all():
            factor = fit(sums, values, clamp, zero_points, rounding)
            if factor is not None:
                return Sum(weights, factor)
    return None


def _candidates(ratio: float) -> Iterator[tuple[int, int]]:
    """Pairs of weights nearer and nearer to ``ratio``, the smallest first.

    A pair is wrong by ``255 * error`` at most where neighbouring sums differ by 1.
    """
    flip = ratio < 1
    large_to_small, best = 1 / ratio if flip else ratio, 1.0
    for small in range(0, WEIGHT.max * TAPS + 1):
        large = max(round(small * large_to_small), 1)
        if large > WEIGHT.max * TAPS:
            return
        error = abs(large - small * large_to_small)
        if error <= max(_NEAR * best, 1 / (2 * ACTIVATION.max)):
            yield (small, large) if flip else (large, small)
        best = min(best, error)
