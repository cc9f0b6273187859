"""Integer formats: one object answers range, dtype and width for software and hardware alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["ACC", "ACTIVATION", "BIAS", "MULTIPLIER", "OFFSET", "SHIFT", "WEIGHT", "IntFormat"]


@dataclass(frozen=True)
class IntFormat:
    """A two's complement or unsigned integer of ``width`` bits."""

    width: int
    signed: bool

    @property
    def min(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    @property
    def dtype(self) -> np.dtype:
        """The smallest NumPy integer type that holds the format."""
        size = next(size for size in (8, 16, 32, 64) if size >= self.width)
        return np.dtype(f"{'i' if self.signed else 'u'}{size // 8}")

    def wrap(self, x: np.ndarray) -> np.ndarray:
        """Keep the low ``width`` bits of int64 ``x``, as a register of this format does."""
        x = np.asarray(x, dtype=np.int64) & ((1 << self.width) - 1)
        return np.where(x > self.max, x - (1 << self.width), x) if self.signed else x

    def contains(self, x: ArrayLike) -> bool:
        """True when every value of ``x`` lies in the format's range."""
        x = np.asarray(x)
        return x.size == 0 or bool(x.min() >= self.min and x.max() <= self.max)


#: An activation in the engine is offset binary, ``u = q + OFFSET`` for the int8 value ``q``: the
#: multiplier stays 8 x 8 whatever the zero point (docs/number_formats.md).
ACTIVATION = IntFormat(8, signed=False)
OFFSET = 128
WEIGHT = IntFormat(8, signed=True)
#: Accumulators never wrap: the compiler proves ``255 * sum(|w|) + |bias| <= ACC.max``.
ACC = IntFormat(32, signed=True)
#: The folded bias, ``b - (zero_point + OFFSET) * sum(w)``.
BIAS = IntFormat(32, signed=True)
#: ``round(mantissa * 2**31)`` of a real factor, mantissa in [0.5, 1), as LiteRT quantizes it.
MULTIPLIER = IntFormat(31, signed=False)
#: Exponent of that factor. LiteRT admits -31..30.
SHIFT = IntFormat(6, signed=True)
SHIFT_MIN, SHIFT_MAX = -31, 30
