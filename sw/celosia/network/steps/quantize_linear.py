"""ONNX's QuantizeLinear on the host."""

from dataclasses import dataclass

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

__all__ = ["QuantizeLinear"]


@dataclass(frozen=True)
class QuantizeLinear:
    """``q = clip(round(x / scale) + zero_point)`` in float32, ties to even.

    That is what ONNX defines; LiteRT's `Quantize` differs from it in exact ties only.

    Parameters
    ----------
    output : scale and zero point. dtype : "int8" or "uint8".
    """

    output: Quant
    dtype: str = "int8"

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float [n, K] to `dtype` [n, K]. Raises CelosiaError for NaN and infinities."""
        x = np.asarray(x, np.float32)
        if not np.isfinite(x).all():
            raise CelosiaError("an input value is not a finite number", todo="check the inputs")
        with np.errstate(over="ignore"):
            steps = np.rint(x / np.float32(self.output.scale))
        limits = np.iinfo(self.dtype)
        return np.clip(steps + self.output.zero_point, limits.min, limits.max).astype(self.dtype)
