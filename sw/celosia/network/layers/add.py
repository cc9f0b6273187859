"""Addition of two maps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.fixed_point import (
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from celosia.numerics.multiplier import quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.support.errors import Unsupported

from .layer import Layer, Shape

__all__ = ["Add"]

#: Bits by which the inputs are shifted left before they are scaled (``add.cc``, left_shift).
_SHIFT = 20


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The sum of two maps, LiteRT's ADD (``reference/integer_ops/add.h``).

    ``y = table[clip(R((a - zp_a) << 20) + R'((b - zp_b) << 20), rescaled, + zp, lo, hi)]``: both
    inputs are brought to the scale ``2 * max(scale_a, scale_b) / 2**20``, added, and rescaled, each
    rounded twice.

    Parameters
    ----------
    name : shown in every message.
    input, other : quantizations of the two inputs.
    output : quantization of the result before the table.
    input_shape : (height, width, C) of both inputs and of the result.
    clamp, table, table_output : as in `Layer`.

    Raises
    ------
    CelosiaError : a shape that is not possible.
    Unsupported : the output's scale is so small that LiteRT aborts.
    """

    kind: ClassVar[str] = "Add"

    input: Quant
    other: Quant
    output: Quant
    input_shape: Shape

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self._reals[2] < 1:
            raise Unsupported(
                f"output scale {self.output.scale:g} is too small for inputs of scale "
                f"{self.input.scale:g} and {self.other.scale:g}",
                where=self.name,
            )

    @property
    def _reals(self) -> tuple[float, float, float]:
        a, b, out = (
            float(np.float32(each.scale)) for each in (self.input, self.other, self.output)
        )
        twice = 2 * max(a, b)
        return a / twice, b / twice, twice / ((1 << _SHIFT) * out)

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        return (self.input_shape, self.input_shape)

    @property
    def output_shape(self) -> Shape:
        return self.input_shape

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        first, second = inputs
        return self.function()[first.astype(np.int64) + 128, second.astype(np.int64) + 128]

    def function(self) -> np.ndarray:
        """int8 [256, 256]: the result of all pairs of bytes, indexed by ``a + 128, b + 128``."""
        return self._of_all(1)

    def difference(self) -> np.ndarray:
        """As `function`, of ``a - b``: what LiteRT's SUB gives with the same scales."""
        return self._of_all(-1)

    def _of_all(self, sign: int) -> np.ndarray:
        q = np.arange(-128, 128, dtype=np.int64)
        real_a, real_b, real = self._reals
        a = _scaled((q - self.input.zero_point) << _SHIFT, real_a)
        b = _scaled((q - self.other.zero_point) << _SHIFT, real_b)
        v = _scaled(a[:, None] + sign * b, real) + self.output.zero_point
        y = np.clip(v, *self.clamp)
        return (y if self.table is None else self.table[y + 128]).astype(np.int8)


def _scaled(x: np.ndarray, real: float) -> np.ndarray:
    """``x * real`` for 0 < real < 1, MultiplyByQuantizedMultiplierSmallerThanOneExp."""
    m, shift = quantize_multiplier(real)
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(x, m), -shift)
