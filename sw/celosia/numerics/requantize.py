"""Requantizer: accumulator in, activation byte out, one exact integer formula."""

import numpy as np

from celosia.spec import ACC, ACTIVATION, MULTIPLIER, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN

__all__ = ["check_factors", "requantize", "rescale"]


def check_factors(multiplier: np.ndarray, shift: np.ndarray) -> None:
    """Refuse scale factors for which the formula, and the engine, promise nothing.

    Raises
    ------
    ValueError : a multiplier outside 0..2**31-1 or a shift outside -31..30, quoting it.
    """
    for name, values, low, high in (
        ("multiplier", multiplier, MULTIPLIER.min, MULTIPLIER.max),
        ("shift", shift, SHIFT_MIN, SHIFT_MAX),
    ):
        values = np.asarray(values)
        bad = values[(values < low) | (values > high)]
        if bad.size:
            raise ValueError(f"{name} {bad.flat[0]} is outside {low}..{high}")


def rescale(
    acc: np.ndarray,
    bias: np.ndarray,
    multiplier: np.ndarray,
    shift: np.ndarray,
    rounding: Rounding,
) -> np.ndarray:
    """Scale accumulators by ``multiplier / 2**31 * 2**shift`` and round to integers.

    With ``a = wrap32(acc + bias)``:

    - SINGLE: ``t = 31 - shift``; ``v = wrap32((a * m + (1 << (t - 1))) >> t)``. Ties go up.
    - DOUBLE: ``a = wrap32(a << max(shift, 0))``; ``v = (a * m + 2**30) >> 31``; then with
      ``e = max(-shift, 0)``, if ``e``: ``v = (v + (1 << (e - 1)) - (v < 0)) >> e``. The second
      tie goes away from zero. It equals LiteRT's SaturatingRoundingDoublingHighMul followed by
      RoundingDivideByPOT, because ``m >= 0`` never saturates.

    Parameters
    ----------
    acc : integers [..., C]; only their low 32 bits count.
    bias, multiplier, shift : integers [C] in the ranges of BIAS, MULTIPLIER and -31..30
        (see `check_factors`; not checked here, once per program is enough).
    rounding : a `Rounding`.

    Returns
    -------
    int64 [..., C], values of 32 bits.
    """
    a = _wrap(np.asarray(acc, np.int64) + np.asarray(bias, np.int64))
    m, shift = np.asarray(multiplier, np.int64), np.asarray(shift, np.int64)
    one = np.int64(1)
    # |a * m| < 2**62 and the rounding constant is at most 2**61: int64 holds the sum.
    if rounding == Rounding.SINGLE:
        t = 31 - shift
        return _wrap((a * m + (one << (t - 1))) >> t)
    left, e = np.maximum(shift, 0), np.maximum(-shift, 0)
    v = (_wrap(a << left) * m + (one << 30)) >> 31
    # For e = 0 half is 0 and nothing may be taken off negative values.
    half = (one << e) >> 1
    return (v + half - ((v < 0) & (e > 0))) >> e


def requantize(
    acc: np.ndarray,
    bias: np.ndarray,
    multiplier: np.ndarray,
    shift: np.ndarray,
    zero_point: int,
    clamp_min: int,
    clamp_max: int,
    rounding: Rounding,
) -> np.ndarray:
    """``u = min(max(wrap32(rescale(acc + bias) + zero_point), clamp_min), clamp_max)``.

    Parameters
    ----------
    acc, bias, multiplier, shift, rounding : as in `rescale`.
    zero_point, clamp_min, clamp_max : 0..255, offset binary (``q + 128``).

    Returns
    -------
    uint8 [..., C], offset binary.
    """
    v = rescale(acc, bias, multiplier, shift, rounding)
    # LiteRT adds the zero point in int32, so the sum wraps there as well.
    v = _wrap(v + np.int64(zero_point))
    return np.minimum(np.maximum(v, clamp_min), clamp_max).astype(ACTIVATION.dtype)


def _wrap(x: np.ndarray) -> np.ndarray:
    # The same as ACC.wrap, as two casts: this line is the golden model's inner loop.
    return x.astype(ACC.dtype).astype(np.int64)
