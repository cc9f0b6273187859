"""SOFTMAX on the host, in the fixed-point arithmetic that LiteRT and TFLite Micro share."""

from dataclasses import dataclass

import numpy as np

from celosia.numerics.fixed_point import (
    rounding_divide_by_pot,
    saturating_left_shift,
    saturating_rounding_doubling_high_mul,
)
from celosia.numerics.multiplier import quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.numerics.transcendental import exp_on_negative_values, two_over_one_plus
from celosia.support.errors import Unsupported

__all__ = ["Softmax"]

_mul = saturating_rounding_doubling_high_mul
_DIFF_BITS = 5  # differences to the maximum are Q5.26
_SUM_BITS = 12  # the sum of exponentials is Q12.19
_OUTPUT = Quant(1 / 256, -128)


@dataclass(frozen=True)
class Softmax:
    """``y = round(256 * exp(beta * x) / sum(exp(beta * x))) - 128`` over the last axis.

    Bit for bit the reference kernel of LiteRT and TFLite Micro, whose exponential and reciprocal
    are polynomials in Q0.31 (``tflite/kernels/internal/reference/softmax.h``,
    `celosia.numerics.transcendental`; PreprocessSoftmaxScaling in ``quantization_util.cc``).

    Parameters
    ----------
    input : quantization of the int8 input. beta : factor in the exponent.

    Attributes
    ----------
    output : always scale 1/256, zero point -128.

    Raises
    ------
    Unsupported : ``beta * scale`` is not above 2**-26, where LiteRT aborts.
    """

    input: Quant
    beta: float = 1.0
    from_dtype: str = "int8"
    dtype: str = "int8"

    def __post_init__(self) -> None:
        if not np.isfinite(self.beta) or self._real <= 1:
            raise Unsupported(
                f"beta {self.beta:g} times scale {self.input.scale:g} is not above 2**-26",
                where="SOFTMAX",
            )

    @property
    def output(self) -> Quant:
        return _OUTPUT

    @property
    def _real(self) -> float:
        real = float(np.float32(self.beta)) * float(np.float32(self.input.scale))
        return min(real * 2.0 ** (31 - _DIFF_BITS), 2.0**31 - 1)

    def __call__(self, q: np.ndarray) -> np.ndarray:
        """int8 [n, N] to int8 [n, N]."""
        m, shift = quantize_multiplier(self._real)
        # Differences below this would leave Q5.26; their exponential counts as 0.
        lowest = -((((1 << _DIFF_BITS) - 1) << (31 - _DIFF_BITS)) >> shift)
        diff = q.astype(np.int64) - q.max(axis=-1, keepdims=True).astype(np.int64)
        counts = diff >= lowest
        scaled = _mul(np.where(counts, diff, 0) << shift, m)
        exps = np.where(counts, exp_on_negative_values(scaled), 0)
        total = rounding_divide_by_pot(exps, _SUM_BITS).sum(axis=-1, keepdims=True)
        inverse, bits_over_unit = _reciprocal(total)
        y = rounding_divide_by_pot(_mul(inverse, exps), bits_over_unit + 31 - 8)
        return np.clip(y - 128, -128, 127).astype(np.int8)


def _reciprocal(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``1 / total`` of a Q12.19 number as a Q0.31 mantissa and the bits to shift it right."""
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    x = (total << headroom) - (1 << 31)
    return saturating_left_shift(two_over_one_plus(x), 1), _SUM_BITS - headroom
