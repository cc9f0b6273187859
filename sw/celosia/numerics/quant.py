"""Affine quantization of int8 tensors, and how files keep it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Quant"]

#: Steps compute in float32, so that it must hold a scale.
_LEAST, _MOST = (float(v) for v in (np.finfo("f4").smallest_subnormal, np.finfo("f4").max))


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

    def to_dict(self) -> dict[str, Any]:
        """Both by name, as Python's numbers where an importer may have left NumPy's."""
        return {"scale": float(self.scale), "zero_point": int(self.zero_point)}

    @classmethod
    def from_dict(cls, values: dict, highest: int = 127) -> "Quant":
        """The inverse of `to_dict`, checked.

        Parameters
        ----------
        values : of a file, so anything.
        highest : zero point that is possible: 127, or 255 where the tensor may be uint8.

        Raises
        ------
        ValueError, TypeError, KeyError : it is none; quoting a wrong value.
        """
        scale, zero_point = values["scale"], values["zero_point"]
        if set(values) != {"scale", "zero_point"}:
            raise ValueError(f"quantization {values}")
        if type(scale) is not float or not _LEAST <= scale <= _MOST:
            raise ValueError(f"scale = {scale!r} is not a positive number of float32")
        if type(zero_point) is not int or not -128 <= zero_point <= highest:
            raise ValueError(f"zero_point = {zero_point!r} is outside -128..{highest}")
        return cls(scale, zero_point)
