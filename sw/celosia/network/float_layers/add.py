"""Addition of two maps of reals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape

from .layer import FloatLayer

__all__ = ["FloatAdd"]


@dataclass(frozen=True, eq=False)
class FloatAdd(FloatLayer):
    """``y = function(a + b)`` of two maps of one shape. A tensor may be added to itself.

    Parameters
    ----------
    input_shape : (height, width, C) of both inputs and of the result.
    function, origin : as in `FloatLayer`.
    """

    kind: ClassVar[str] = "add"

    input_shape: Shape

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        return (self.input_shape, self.input_shape)

    @property
    def output_shape(self) -> Shape:
        return self.input_shape

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        first, second = inputs
        return first + second
