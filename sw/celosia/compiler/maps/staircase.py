"""Bias, multiplier and shift for which a requantization steps where it is told to.

A rounding once, ``v = ((S + b) * m + 2**(t - 1)) >> t`` with ``t = 31 - shift``, reaches the value
k where ``S >= (k - 1/2) * 2**t / m - b``. Any non-decreasing function of a sum S says, for each k,
between which two sums this threshold has to lie; b, m and t are searched for all of them at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from celosia.numerics.requantize import requantize, rescale
from celosia.spec import ACC, ACTIVATION, MULTIPLIER, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN

__all__ = ["Factor", "fit"]

_ZERO_POINTS = 8  # that are tried beside those asked for
_SPREAD = 32  # slopes that are tried on each side of the best


@dataclass(frozen=True)
class Factor:
    """Of `Rounding.SINGLE`; the zero point is in offset binary."""

    bias: int
    multiplier: int
    shift: int
    zero_point: int

    def apply(self, sums: np.ndarray, clamp: tuple[int, int]) -> np.ndarray:
        """uint8 [S], what a requantizer makes of int64 [S] ``sums``."""
        one = np.array([self.bias]), np.array([self.multiplier]), np.array([self.shift])
        return requantize(sums[:, None], *one, self.zero_point, *clamp, Rounding.SINGLE)[:, 0]


@dataclass(frozen=True)
class _Steps:
    """The value is at least ``k`` for the sum ``at``, and less for the sum ``below``; int64 [S].

    `first` says of which k there is an ``at``, `last` of which there is a ``below``. `largest` is
    that of all sums, those beyond the last step included.
    """

    k: np.ndarray
    at: np.ndarray
    below: np.ndarray
    first: np.ndarray
    last: np.ndarray
    largest: int

    def room(self, slope: float) -> tuple[float, float]:
        """The bias has to be at least the first and below the second."""
        threshold = (self.k - 0.5) * slope
        least = np.where(self.first, threshold - self.at, -np.inf).max()
        most = np.where(self.last, threshold - self.below, np.inf).min()
        return float(least), float(most)

    def width(self, slope: float) -> float:
        least, most = self.room(slope)
        return most - least

    def hold(self, bias: int, m: int, shift: int) -> bool:
        """Whether the engine's formula steps so."""
        both = np.stack([self.at, self.below])[..., None]
        parameters = np.array([bias]), np.array([m]), np.array([shift])
        at, below = rescale(both, *parameters, Rounding.SINGLE)[..., 0]
        return bool(((at >= self.k) | ~self.first).all() and ((below < self.k) | ~self.last).all())


def fit(
    sums: np.ndarray,
    values: np.ndarray,
    clamp: tuple[int, int],
    zero_points: tuple[int, ...],
) -> Factor | None:
    """A factor that makes ``values`` of ``sums``, all of them.

    Parameters
    ----------
    sums : int64 [S], of 0 or more.
    values : uint8 [S], in offset binary and within ``clamp``.
    clamp : smallest and largest value; what the factor gives is clamped to it.
    zero_points : that are tried first, in offset binary.

    Returns
    -------
    None if none was found, for one when a larger sum has a smaller value.
    """
    order = np.argsort(sums, kind="stable")
    sums, values = sums[order], values[order]
    starts = np.flatnonzero(np.diff(values.astype(np.int64), prepend=-1))
    if (np.diff(values.astype(np.int64)) < 0).any() or (
        (sums[starts[1:]] == sums[starts[1:] - 1]).any()
    ):
        return None
    # Steps from the smallest value there is, to one beyond the largest, as far as they show.
    k = np.arange(max(int(values[0]), clamp[0] + 1), min(int(values[-1]) + 1, clamp[1]) + 1)
    if not len(k):
        return Factor(0, 1 << 30, 1, clamp[0])
    index = np.searchsorted(values, k)
    first, last = index < len(sums), index > 0
    at, below = sums[np.minimum(index, len(sums) - 1)], sums[np.maximum(index, 1) - 1]
    steps = _Steps(k, at, below, first, last, int(sums[-1]))
    slope = _best_slope(steps)
    if slope is None:
        return None  # whatever the zero point
    for zero_point in (*zero_points, *_more_zero_points(steps, slope)):
        found = _search(replace(steps, k=k - zero_point))
        if found is not None:
            factor = Factor(*found, zero_point)
            if (factor.apply(sums, clamp) == values).all():
                return factor
    return None


def _more_zero_points(steps: _Steps, slope: float) -> list[int]:
    """Some for which there is a whole number in the room that ``slope`` leaves the bias."""
    z = np.arange(ACTIVATION.max + 1)
    least, most = steps.room(slope)
    return z[np.ceil(least - z * slope) < most - z * slope][:_ZERO_POINTS].tolist()


def _best_slope(steps: _Steps) -> float | None:
    """The slope that leaves the bias most room, whatever the zero point."""
    # The width is a concave function of the slope: its maximum by ternary search.
    # Below the lowest, values would exceed the accumulator.
    low = max(2.0**-20, steps.largest / (1 << 29))
    high = float(2 * (steps.at.max() - steps.below.min()) + 4)
    for _ in range(150):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if steps.width(a) <= steps.width(b) else (low, b)
    best = (low + high) / 2
    return best if steps.width(best) > 0 else None


def _search(steps: _Steps) -> tuple[int, int, int] | None:
    best = _best_slope(steps)
    if best is None:
        return None
    for slope in [best, *_around(best, steps.width)]:
        m, shift = _multiplier(slope)
        if not SHIFT_MIN <= shift <= SHIFT_MAX:
            continue
        least, most = steps.room(2.0 ** (31 - shift) / m)
        if not least < most:
            continue
        ends = [x for x in (least, most) if np.isfinite(x)]
        middle = sum(ends) / len(ends)
        for bias in (round(middle), int(np.ceil(ends[0])), int(np.ceil(ends[-1])) - 1):
            largest = max(steps.largest, abs(int(steps.below.min()))) + abs(bias)
            if largest <= ACC.max and steps.hold(bias, m, shift):
                return bias, m, shift
    return None


def _around(best: float, width: Callable[[float], float]) -> list[float]:
    """Slopes on both sides of ``best`` as far as there is room."""
    slopes = []
    for sign in (-1, 1):
        near, far = 0.0, best / 2
        for _ in range(60):
            middle = (near + far) / 2
            near, far = (middle, far) if width(best + sign * middle) > 0 else (near, middle)
        slopes += [best + sign * near * n / _SPREAD for n in range(1, _SPREAD + 1)]
    return slopes


def _multiplier(slope: float) -> tuple[int, int]:
    """m and shift for which ``2**(31 - shift) / m`` is next to ``slope``."""
    mantissa, shift = np.frexp(1 / slope)
    m = round(float(mantissa) * 2**31)
    return (m, int(shift)) if m <= MULTIPLIER.max else (m // 2, int(shift) + 1)
