"""Golden model of two int8 products from one 18-bit multiplier (`celosia_hw.cells.ecp5_packed`)."""

import numpy as np

from celosia.spec.packed import OVERLAP, PRODUCT, SHIFT

__all__ = ["packed_products"]


def packed_products(u0: np.ndarray, u1: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(u0 * w, u1 * w)``, separated as the hardware does it.

    Parameters
    ----------
    u0, u1 : int64, 0..255; w : int64, -128..127; shapes that broadcast.

    Returns
    -------
    two int64 arrays: 16-bit values.
    """
    product = ((u1 << SHIFT) | u0) * w
    upper = product >> SHIFT
    low_mask = (1 << OVERLAP) - 1
    low = ((u1 & low_mask) * (w & low_mask)) & low_mask
    difference = (upper & low_mask) - low
    f = _signed(difference, OVERLAP)
    first = (f << SHIFT) | (product & ((1 << SHIFT) - 1))
    carry = (difference - f) >> OVERLAP
    return first, _signed((((upper >> OVERLAP) + carry) << OVERLAP) | low, PRODUCT)


def _signed(x: np.ndarray, bits: int) -> np.ndarray:
    """The low ``bits`` of ``x`` as a signed number."""
    sign = 1 << (bits - 1)
    return ((x + sign) & ((1 << bits) - 1)) - sign
