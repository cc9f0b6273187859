"""Concatenation of maps along their channels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

from .layer import Layer, Shape

__all__ = ["Concatenation"]


@dataclass(frozen=True, eq=False)
class Concatenation(Layer):
    """Maps of the same size side by side along the channels, LiteRT's CONCATENATION.

    Parameters
    ----------
    name : shown in every message.
    input : quantization of all inputs and of the result: LiteRT demands that they are equal.
    shapes : (height, width, channels) of each input, in order.
    clamp, table, table_output : as in `Layer`.

    Raises
    ------
    CelosiaError : maps of different sizes, or none.
    """

    kind: ClassVar[str] = "Concatenation"

    input: Quant
    shapes: tuple[Shape, ...]

    def __post_init__(self) -> None:
        sizes = {shape[:2] for shape in self.shapes}
        if len(sizes) != 1:
            raise CelosiaError(
                f"maps of {[list(shape) for shape in self.shapes]} do not lie side by side",
                where=self.name,
            )
        super().__post_init__()

    @property
    def output(self) -> Quant:
        return self.input

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

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        maps = [self._maps(x, which) for which, x in enumerate(inputs)]
        return self._finish(np.concatenate(maps, axis=-1))
