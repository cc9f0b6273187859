"""Padding of a map of reals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError

from .layer import FloatLayer

__all__ = ["FloatPad"]


@dataclass(frozen=True, eq=False)
class FloatPad(FloatLayer):
    """``y = function(the map with a border of zeros)``.

    Parameters
    ----------
    input_shape : (height, width, C) of the input.
    top, bottom, left, right : pixels of the border, at least 0.
    function, origin : as in `FloatLayer`.

    Raises
    ------
    CelosiaError : values that are not possible.
    """

    kind: ClassVar[str] = "pad"

    input_shape: Shape
    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        border = (self.top, self.bottom, self.left, self.right)
        if min(border) < 0:
            raise CelosiaError(f"a border of {list(border)} is not possible", where=self.origin)

    @property
    def output_shape(self) -> Shape:
        height, width, channels = self.input_shape
        return (self.top + height + self.bottom, self.left + width + self.right, channels)

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        maps = self._maps(inputs[0])
        border = ((0, 0), (self.top, self.bottom), (self.left, self.right), (0, 0))
        return np.pad(maps, border).reshape(len(maps), self.outputs)
