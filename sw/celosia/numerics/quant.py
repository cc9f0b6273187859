"""Affine quantization of int8 tensors."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Quant"]


@dataclass(frozen=True)
class Quant:
    """Affine quantization of an int8 tensor: ``real = scale * (q - zero_point)``."""

    scale: float
    zero_point: int

    def quantize(self, real: np.ndarray, dtype: str = "int8") -> np.ndarray:
        """int8 ``round(real / scale) + zero_point``, saturated; ties away from zero as LiteRT's
        QUANTIZE (float32 arithmetic). ``dtype`` "uint8" is for the host's side of a model."""
        # A quotient beyond float32 becomes infinite, which saturates as it should.
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.asarray(real, dtype=np.float32) / np.float32(self.scale)
            rounded = np.trunc(x)
            # x - trunc(x) is exact, while x + 0.5 would round 0.49999997 up to 1.
            rounded += np.where(np.abs(x - rounded) >= 0.5, np.sign(x), np.float32(0))
        # Saturate before the cast: float32 values beyond int range would wrap.
        limits = np.iinfo(dtype)
        return np.clip(rounded + self.zero_point, limits.min, limits.max).astype(dtype)

    def dequantize(self, q: np.ndarray) -> np.ndarray:
        """float32 ``scale * (q - zero_point)``."""
        return (np.asarray(q, dtype=np.int32) - self.zero_point).astype(np.float32) * np.float32(
            self.scale
        )
