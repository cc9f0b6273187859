"""Offset binary: the engine's form of an int8 value, ``u = q + 128`` as an unsigned byte.

With it the multiplier stays 8 x 8, unsigned times signed, whatever the zero point
(docs/number_formats.md).
"""

import numpy as np

from celosia.spec import OFFSET

__all__ = ["from_offset", "to_offset"]


def to_offset(q: np.ndarray) -> np.ndarray:
    """uint8 ``q + 128`` of int8 ``q``, any shape."""
    return q.view(np.uint8) ^ np.uint8(OFFSET)


def from_offset(u: np.ndarray) -> np.ndarray:
    """int8 ``u - 128`` of uint8 ``u``, any shape."""
    return (u ^ np.uint8(OFFSET)).view(np.int8)
