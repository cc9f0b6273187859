"""exp, logistic, tanh and a reciprocal in 32-bit fixed point, as gemmlowp computes them.

Source: ``fixedpoint/fixedpoint.h`` of gemmlowp. Qm.n has n bits after the point. All arrays are
int64 that hold int32 values.
"""

import numpy as np

from .fixed_point import (
    rounding_divide_by_pot,
    saturating_left_shift,
    saturating_rounding_doubling_high_mul,
)

__all__ = ["exp_on_negative_values", "logistic", "tanh", "two_over_one_plus"]

_mul = saturating_rounding_doubling_high_mul
_ONE = (1 << 31) - 1  # 1 in Q0.31, as near as it comes
_BITS = 5  # integer bits of the exponential's argument, at most
# exp(-2**k) in Q0.31 for k = -2..4.
_EXP = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def exp_on_negative_values(a: np.ndarray, integer_bits: int = _BITS) -> np.ndarray:
    """``exp(a)`` in Q0.31 of a <= 0 with ``integer_bits`` bits before the point, 2..5."""
    quarter = 1 << (31 - integer_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_near_zero(saturating_left_shift(rest, integer_bits))
    remainder = rest - a
    for k, factor in enumerate(_EXP):
        result = np.where(remainder & (quarter << k), _mul(result, factor), result)
    return np.where(a == 0, _ONE, result)


def _exp_near_zero(a: np.ndarray) -> np.ndarray:
    """``exp(a)`` of -1/4 <= a < 0, both Q0.31: a Taylor polynomial around -1/8."""
    at_eighth, third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = _mul(x, x)
    x3, x4 = _mul(x2, x), _mul(x2, x2)
    tail = _mul(rounding_divide_by_pot(x4, 2) + x3, third) + x2
    return at_eighth + _mul(at_eighth, x + rounding_divide_by_pot(tail, 1))


def two_over_one_plus(x: np.ndarray) -> np.ndarray:
    """``2 / (1 + x)`` in Q2.29 of 0 <= x <= 1 in Q0.31: three steps of Newton's method."""
    half = (x + _ONE + 1) >> 1
    guess = 1515870810 + _mul(half, -1010580540)
    for _ in range(3):
        error = (1 << 29) - _mul(half, guess)
        guess = guess + saturating_left_shift(_mul(guess, error), 2)
    return guess


def logistic(a: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-a))`` in Q0.31 of Q4.27."""
    of_magnitude = saturating_left_shift(
        two_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits=4)), 1
    )
    half = 1 << 30
    return np.where(a == 0, half, np.where(a > 0, of_magnitude, _ONE - of_magnitude))


def tanh(a: np.ndarray) -> np.ndarray:
    """``tanh(a)`` in Q0.31 of Q4.27: ``(1 - e) / (1 + e)`` of ``e = exp(-2 * |a|)``."""
    # Twice a Q4.27 number is the same bits as Q5.26.
    double = exp_on_negative_values(-np.abs(a), integer_bits=5)
    of_magnitude = saturating_left_shift(two_over_one_plus(double) - (1 << 29), 2)
    return np.sign(a) * of_magnitude
