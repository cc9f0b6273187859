"""Multipliers for which the engine's integer requantization equals LiteRT's float64 one.

LiteRT's reference FULLY_CONNECTED requantizes in floating point,
``clip(round(float64(acc) * real) + zp, lo, hi)`` with ties away from zero
(``tflite/kernels/internal/reference/integer_ops/fully_connected.h``); the engine computes
``clip((acc * m + 2**(t - 1) >> t) + zp, lo, hi)`` with ``t = 31 - shift``. Both are non-decreasing
staircases in the accumulator, with at most 255 steps between ``lo`` and ``hi``. They are equal for
*every* accumulator if each step is at the same one, which is what is checked here. Each step allows
an interval of multipliers; one in all intervals is searched where the nearest 31-bit multiplier
fails, mostly because of exact ties (scales whose ratio is a power of two).
"""

import numpy as np

from celosia.numerics.multiplier import quantize_multiplier
from celosia.spec import ACC, MULTIPLIER, ceil_div

__all__ = ["accumulator_range", "fit_multipliers"]

_CHANNELS = 1024  # computed at a time: each takes temporary memory for 255 steps


def accumulator_range(
    weights: np.ndarray, bias: np.ndarray, zero_point: int
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest ``sum_k (x[k] - zero_point) * w[n, k] + b[n]`` over all int8 x.

    Parameters
    ----------
    weights : int8 [N, K].
    bias : int32 [N].
    zero_point : of the input, -128..127.

    Returns
    -------
    low, high : int64 [N].
    """
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
    below, above = -128 - zero_point, 127 - zero_point
    bias = np.asarray(bias, np.int64)
    return positive * below + negative * above + bias, positive * above + negative * below + bias


def fit_multipliers(
    real: np.ndarray, low: np.ndarray, high: np.ndarray, zero_point: int, clamp: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Multiplier and shift per channel that equal LiteRT for all accumulators in low..high.

    Parameters
    ----------
    real : float64 [N], `effective_scale` of each channel, in 0..2**30.
    low, high : int64 [N], `accumulator_range`.
    zero_point, clamp : of the output; only results inside the clamp have to be equal.

    Returns
    -------
    m, shift : int64 [N] (`MULTIPLIER`, `SHIFT`).
    exact : bool [N], False where no 31-bit multiplier gives every result. There the nearest one is
        returned; it is off by one for single accumulators within about 2**-32 of a tie.
    """
    parts = []
    for n in range(0, len(real), _CHANNELS):
        part = slice(n, n + _CHANNELS)
        parts.append(_fit(real[part], low[part], high[part], zero_point, clamp))
    m, shift, exact = (np.concatenate(each) for each in zip(*parts, strict=True))
    return m, shift, exact


def _fit(
    real: np.ndarray, low: np.ndarray, high: np.ndarray, zero_point: int, clamp: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nominal = np.array([quantize_multiplier(r) for r in real], np.int64).reshape(-1, 2)
    m, shift = nominal[:, 0].copy(), nominal[:, 1].copy()
    step, first, reachable = _steps(real, low, high, zero_point, clamp)
    exact = _holds(m, shift, step, first, reachable)
    for n in np.flatnonzero(~exact):
        found = _search(int(m[n]), int(shift[n]), step, first[n], reachable[n])
        if found is not None:
            m[n], exact[n] = found, True
    return m, shift, exact


def _steps(
    real: np.ndarray, low: np.ndarray, high: np.ndarray, zero_point: int, clamp: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The steps of LiteRT's staircase.

    Returns
    -------
    step : int64 [S], the values that are stepped to, before the zero point is added.
    first : int64 [N, S], the smallest accumulator whose value is at least ``step``.
    reachable : bool [N, S, 2], whether ``first - 1`` and ``first`` are in the channel's low..high.
    """
    step = np.arange(clamp[0] + 1, clamp[1] + 1, dtype=np.int64) - zero_point
    real = np.maximum(np.asarray(real, np.float64), np.finfo(np.float64).tiny)[:, None]
    low = np.maximum(low, ACC.min)[:, None]
    high = np.minimum(high, ACC.max)[:, None]
    # Beyond the channel's range the position of a step does not matter: keep it within int64.
    guess = np.ceil((step - 0.5) / real)
    first = np.clip(guess, low - 2, high + 2).astype(np.int64)
    # The guess is exact but for the rounding of product and quotient: move to where LiteRT steps.
    for _ in range(3):
        first -= _litert(first - 1, real) >= step
    for _ in range(3):
        first += _litert(first, real) < step
    reachable = np.stack(
        [(first - 1 >= low) & (first - 1 <= high), (first >= low) & (first <= high)], axis=-1
    )
    return step, first, reachable


def _litert(acc: np.ndarray, real: np.ndarray) -> np.ndarray:
    """C's ``round(double(acc) * real)``: ties away from zero, as a float64 integer."""
    product = acc.astype(np.float64) * real
    whole = np.trunc(product)
    # Exact: product - whole loses nothing, where adding 0.5 first could round up.
    return whole + np.where(np.abs(product - whole) >= 0.5, np.sign(product), 0)


def _holds(
    m: np.ndarray, shift: np.ndarray, step: np.ndarray, first: np.ndarray, reachable: np.ndarray
) -> np.ndarray:
    """bool [N]: whether the engine steps at the same accumulators as LiteRT."""
    t = (31 - shift)[:, None]
    m = m[:, None]
    half = np.int64(1) << (t - 1)
    # |acc| <= 2**31 and m < 2**31: the product and the half stay below 2**63.
    before = ((first - 1) * m + half >> t) < step
    after = (first * m + half >> t) >= step
    equal = np.where(reachable[..., 0], before, True) & np.where(reachable[..., 1], after, True)
    return np.all(equal, axis=1)


def _search(
    nominal: int, shift: int, step: np.ndarray, first: np.ndarray, reachable: np.ndarray
) -> int | None:
    """The multiplier nearest to ``nominal`` with every reachable step at ``first``, or None."""
    t = 31 - shift
    least, most = 1, MULTIPLIER.max
    for k, a, (before, at) in zip(step.tolist(), first.tolist(), reachable.tolist(), strict=True):
        # The engine's value is at least k when acc * m >= edge.
        edge = (2 * k - 1) << (t - 1)
        if at:
            if a > 0:
                least = max(least, ceil_div(edge, a))
            elif a < 0:
                most = min(most, edge // a)
            elif edge > 0:
                return None
        if before:
            b = a - 1
            if b > 0:
                most = min(most, ceil_div(edge, b) - 1)
            elif b < 0:
                least = max(least, edge // b + 1)
            elif edge <= 0:
                return None
    return min(max(nominal, least), most) if least <= most else None
