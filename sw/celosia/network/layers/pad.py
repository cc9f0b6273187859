"""Padding of a map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

from .layer import Layer, Shape

__all__ = ["Pad"]


@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """A map with a border of the zero point, LiteRT's PAD (``reference/pad.h``).

    Parameters
    ----------
    name : shown in every message.
    input : quantization of the input and of the result.
    input_shape : (height, width, C) of the input.
    top, bottom, left, right : pixels of the border, at least 0.
    clamp, table, table_output : as in `Layer`; they apply to the border, too.

    Raises
    ------
    CelosiaError : values that are not possible.
    """

    kind: ClassVar[str] = "Pad"

    input: Quant
    input_shape: Shape
    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        border = (self.top, self.bottom, self.left, self.right)
        if min(border) < 0:
            raise CelosiaError(f"a border of {list(border)} is not possible", where=self.name)

    @property
    def output(self) -> Quant:
        return self.input

    @property
    def output_shape(self) -> Shape:
        height, width, channels = self.input_shape
        return (self.top + height + self.bottom, self.left + width + self.right, channels)

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        border = ((0, 0), (self.top, self.bottom), (self.left, self.right), (0, 0))
        zero = np.int8(self.input.zero_point)
        return self._finish(np.pad(self._maps(x), border, constant_values=zero))
