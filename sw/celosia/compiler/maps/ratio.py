"""Which ratios of two weights leave room for an addition's results.

With a ratio r the sums are ``S = r * x + y`` of two bytes. A rounding once reaches the value k
where ``S >= (k - 1/2) * t - o``; the slope t and the offset o are free (`staircase`). The results
say between which two sums each of these thresholds has to lie. These are linear inequalities of r,
t and o, so that the ratios for which all of them hold form an interval.
"""

from dataclasses import dataclass

import numpy as np

from celosia.spec import ACTIVATION

__all__ = ["Ratios"]

_EPSILON = 1e-9  # of room, in units of the sums
_STEPS = 100  # of a search that ends after about ten
_FIRST, _LAST = -1.0, 2.0  # ratios between which bounds are looked for


@dataclass(frozen=True)
class _Cut:
    """``rise * t + gap + x * (r - r0)``: the room between two thresholds with slope t and ratio r,
    seen at ratio r0."""

    rise: float
    gap: float
    x: float

    def room(self, slope: float) -> float:
        return self.rise * slope + self.gap

    def level(self, other: "_Cut") -> "_Cut":
        """The combination of a rising and a falling cut that is the same for all slopes."""
        part = other.rise / (other.rise - self.rise)
        gap, x = (
            part * one + (1 - part) * two for one, two in ((self.gap, other.gap), (self.x, other.x))
        )
        return _Cut(0, gap, x)


class Ratios:
    """The ratios for which one slope and one offset give all results.

    Parameters
    ----------
    x, y : int [S], bytes in offset binary, the sums of which are ``r * x + y``.
    results : uint8 [S], in offset binary and within ``clamp``.
    clamp : smallest and largest value.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, results: np.ndarray, clamp: tuple[int, int]):
        order = np.argsort(results, kind="stable")
        self._x, self._y = x[order], y[order]
        values = results[order].astype(int)
        self._starts = np.flatnonzero(np.diff(values, prepend=-1))
        # Steps as `staircase.fit` has them.
        k = np.arange(max(values[0], clamp[0] + 1), min(values[-1] + 1, clamp[1]) + 1)
        #: Pairs of bytes with smaller results than k, and values of these.
        self._below = np.searchsorted(values, k)
        self._classes = np.searchsorted(values[self._starts], k)
        self._middle = k - 0.5

    def bounds(self) -> tuple[float, float] | None:
        """Both ends of the interval between -1 and 2, where the room is 0; None if it is empty.

        The room is a concave function of the ratio, so that Newton's method reaches both ends from
        outside.
        """
        found = []
        for ratio, inwards in ((_FIRST, 1), (_LAST, -1)):
            for _ in range(_STEPS):
                cut = self._room(ratio)
                if cut is None or cut.gap > -_EPSILON:
                    break
                if cut.x * inwards <= 0:
                    return None
                ratio -= cut.gap / cut.x
            found.append(ratio)
        low, high = found
        return (low, high) if low <= high + _EPSILON else None

    def _room(self, ratio: float) -> _Cut | None:
        """The room with the best slope; None if there is no end to it."""
        sums = ratio * self._x + self._y
        # Of k the smallest sum of values from k on, and the largest one of values below k.
        least = np.minimum.reduceat(sums, self._starts)[::-1]
        most = np.maximum.reduceat(sums, self._starts)
        at = np.append(np.minimum.accumulate(least)[::-1], np.inf)[self._classes]
        below = np.append(-np.inf, np.maximum.accumulate(most))[self._classes]
        if not (np.isfinite(at).any() and np.isfinite(below).any()):
            return None

        def cut(slope: float) -> _Cut:
            threshold = self._middle * slope
            first, last = int((threshold - at).argmax()), int((threshold - below).argmin())
            lower, upper = sums[: self._below[last]], sums[self._below[first] :]
            x = self._x[self._below[first] + upper.argmin()] - self._x[lower.argmax()]
            return _Cut(last - first, float(at[first] - below[last]), float(x))

        # The room is a concave function of the slope, made of straight lines.
        left, right = cut(0), cut((_LAST - _FIRST + 1) * ACTIVATION.max)
        if right.rise > 0:
            return None
        for _ in range(_STEPS):
            if left.rise <= 0 or right.rise >= 0:
                break
            slope = (left.gap - right.gap) / (right.rise - left.rise)
            here = cut(slope)
            if here.room(slope) > left.room(slope) - _EPSILON:
                return left.level(right)
            left, right = (here, right) if here.rise > 0 else (left, here)
        return left if left.rise <= 0 else right
