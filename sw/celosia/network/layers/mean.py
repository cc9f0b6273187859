"""Mean over height and width."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.multiplier import quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.numerics.requantize import rescale
from celosia.spec import Rounding
from celosia.spec.formats import SHIFT_MIN

from .layer import Layer, Shape

__all__ = ["Mean"]


@dataclass(frozen=True, eq=False)
class Mean(Layer):
    """The mean of each channel over the whole map, LiteRT's MEAN over height and width
    (``reference/reduce.h``, QuantizedMeanOrSum).

    ``y[c] = table[clip(requantize(sum (x[p, c] - zp_in)) + zp, lo, hi)]``, rounded twice with
    `factor`, which is not quite ``input.scale / output.scale / n`` of the n pixels.

    Parameters
    ----------
    name : shown in every message.
    input, output : quantizations, which may differ.
    input_shape : (height, width, C) of the input.
    clamp, table, table_output : as in `Layer`.

    Raises
    ------
    CelosiaError : a shape or scale that is not possible.
    """

    kind: ClassVar[str] = "Mean"

    input: Quant
    output: Quant
    input_shape: Shape

    @property
    def factor(self) -> tuple[int, int]:
        """Multiplier and shift: LiteRT divides the multiplier of the scales by n, rounded down."""
        real = np.float64(np.float32(self.input.scale)) / np.float64(np.float32(self.output.scale))
        m, shift = quantize_multiplier(float(real))
        n = self.input_shape[0] * self.input_shape[1]
        # floor(log2 n), so that the quotient keeps its bits; the shift must stay in range.
        up = min(n.bit_length() - 1, 32, shift - SHIFT_MIN)
        return (m << up) // n, shift - up

    @property
    def output_shape(self) -> Shape:
        return (1, 1, self.input_shape[2])

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        maps = self._maps(x)
        acc = (maps.astype(np.int64) - self.input.zero_point).sum(axis=(1, 2))
        m, shift = self.factor
        zero = np.zeros(maps.shape[-1], np.int64)
        v = rescale(acc, zero, zero + m, zero + shift, Rounding.DOUBLE)
        return self._finish(v + self.output.zero_point)
