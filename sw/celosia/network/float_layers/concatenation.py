"""Concatenation of maps of reals along their channels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError

from .layer import FloatLayer

__all__ = ["FloatConcatenation"]


@dataclass(frozen=True, eq=False)
class FloatConcatenation(FloatLayer):
    """``y = function(maps of the same size side by side along the channels)``.

    Parameters
    ----------
    shapes : (height, width, channels) of each input, in order; vectors are (1, 1, n).
    function, origin : as in `FloatLayer`.

    Raises
    ------
    CelosiaError : maps of different sizes, or none.
    """

    kind: ClassVar[str] = "concatenation"

    shapes: tuple[Shape, ...]

    def __post_init__(self) -> None:
        if len({shape[:2] for shape in self.shapes}) != 1:
            raise CelosiaError(
                f"maps of {[list(shape) for shape in self.shapes]} do not lie side by side",
                where=self.origin,
            )
        super().__post_init__()

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        return self.shapes

    @property
    def input_shape(self) -> Shape:
        return self.shapes[0]

    @property
    def output_shape(self) -> Shape:
        height, width, _ = self.shapes[0]
        return (height, width, sum(shape[2] for shape in self.shapes))

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        maps = [self._maps(x, which) for which, x in enumerate(inputs)]
        return np.concatenate(maps, axis=-1).reshape(len(inputs[0]), self.outputs)
