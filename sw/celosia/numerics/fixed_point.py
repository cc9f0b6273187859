"""Fixed-point steps of LiteRT's integer kernels, on int64 arrays that hold int32 values.

Sources: ``tflite/kernels/internal/common.h`` and gemmlowp's ``fixedpoint/fixedpoint.h``. The
names are theirs.
"""

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "multiply_by_quantized_multiplier",
    "rounding_divide_by_pot",
    "saturating_left_shift",
    "saturating_rounding_doubling_high_mul",
]


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike, bits: int = 32) -> np.ndarray:
    """``round(a * b / 2**(bits - 1))``, ties up; only ``min * min`` saturates, to the maximum.

    Parameters
    ----------
    a, b : integers of `bits` bits. bits : 32 or 16.
    """
    a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
    nudged = a * b + (1 << (bits - 2))
    return np.minimum(nudged >> (bits - 1), (1 << (bits - 1)) - 1)


def rounding_divide_by_pot(x: ArrayLike, exponent: ArrayLike, bits: int = 32) -> np.ndarray:
    """``round(x / 2**exponent)``, ties away from zero, ``0 <= exponent <= 31``.

    Of 16 bits an exponent of 16 and more gives 1 for x >= 0 and -1 for x < 0: gemmlowp's mask of
    ``exponent`` bits wraps.

    Parameters
    ----------
    x : integers of `bits` bits. bits : 32 or 16.
    """
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    if bits == 16 and (exponent >= bits).any():
        return np.where(x < 0, np.int64(-1), np.int64(1))
    half = (np.int64(1) << exponent) >> 1
    return (x + half - ((x < 0) & (exponent > 0))) >> exponent


def saturating_left_shift(x: ArrayLike, exponent: int, bits: int = 32) -> np.ndarray:
    """``x * 2**exponent`` held within a signed integer of `bits` bits."""
    largest = (1 << (bits - 1)) - 1
    return np.clip(np.asarray(x, np.int64) << exponent, -largest - 1, largest)


def multiply_by_quantized_multiplier(x: ArrayLike, m: int, shift: int) -> np.ndarray:
    """``x * m / 2**31 * 2**shift`` rounded twice, LiteRT's MultiplyByQuantizedMultiplier.

    Parameters
    ----------
    x : integers for which ``x * 2**max(shift, 0)`` fits int32: LiteRT promises nothing beyond.
    m, shift : from `celosia.quant.quantize_multiplier`.
    """
    left, right = max(shift, 0), max(-shift, 0)
    return rounding_divide_by_pot(
        saturating_rounding_doubling_high_mul(np.asarray(x, np.int64) << left, m), right
    )
