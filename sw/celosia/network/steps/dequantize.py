"""DEQUANTIZE on the host: bytes to reals."""

from dataclasses import dataclass

import numpy as np

from celosia.numerics.quant import Quant

__all__ = ["Dequantize"]


@dataclass(frozen=True)
class Dequantize:
    """``x = scale * (q - zero_point)``, float32.

    Source: ``tflite/kernels/internal/reference/integer_ops/dequantize.h``. LiteRT multiplies in
    float64 and rounds once, which the float32 product of two float32 numbers does too.
    """

    input: Quant
    from_dtype: str = "int8"
    dtype: str = "float32"

    def __call__(self, q: np.ndarray) -> np.ndarray:
        """int8 or uint8 [n, N] to float32 [n, N]."""
        return self.input.dequantize(q)
