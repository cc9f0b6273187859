"""QUANTIZE on the host: reals to bytes, or bytes of one scale to bytes of another."""

from dataclasses import dataclass

import numpy as np

from celosia.numerics.fixed_point import multiply_by_quantized_multiplier
from celosia.numerics.multiplier import quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.spec.formats import SHIFT_MAX
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["Quantize", "Requantize"]


@dataclass(frozen=True)
class Quantize:
    """``q = clip(round(x / scale) + zero_point)`` in float32, ties away from zero.

    Source: ``tflite/kernels/internal/reference/quantize.h``, AffineQuantize. Values too large for
    int32 saturate here; LiteRT's cast of them is undefined.

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
        return self.output.quantize(x, self.dtype)


@dataclass(frozen=True)
class Requantize:
    """``q = clip(rescale(x - input.zero_point) + output.zero_point)`` with two roundings.

    Source: ``tflite/kernels/internal/reference/requantize.h``; the factor is
    ``input.scale / output.scale`` in float64 (``tflite/kernels/quantize.cc``).

    Parameters
    ----------
    input, output : scales and zero points. from_dtype, dtype : "int8" or "uint8".

    Raises
    ------
    Unsupported : the factor is so large that LiteRT's own arithmetic overflows.
    """

    input: Quant
    output: Quant
    from_dtype: str = "int8"
    dtype: str = "int8"

    def __post_init__(self) -> None:
        # x - zero_point has 9 bits; beyond 22 more its shift leaves int32.
        if self._factor[1] > SHIFT_MAX - 8:
            raise Unsupported(
                f"scale {self.input.scale:g} to {self.output.scale:g} overflows", where="QUANTIZE"
            )

    @property
    def _factor(self) -> tuple[int, int]:
        return quantize_multiplier(
            np.float64(np.float32(self.input.scale)) / np.float64(np.float32(self.output.scale))
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`from_dtype` [n, K] to `dtype` [n, K]."""
        y = multiply_by_quantized_multiplier(
            np.asarray(x, np.int64) - self.input.zero_point, *self._factor
        )
        info = np.iinfo(self.dtype)
        return np.clip(y + self.output.zero_point, info.min, info.max).astype(self.dtype)
