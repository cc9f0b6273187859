"""Mean over height and width, of reals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape

from .layer import FloatLayer

__all__ = ["FloatMean"]


@dataclass(frozen=True, eq=False)
class FloatMean(FloatLayer):
    """``y[c] = function(mean of x[p, c] over all pixels p)``: global average pooling.

    Parameters
    ----------
    input_shape : (height, width, C) of the input; the result is (1, 1, C).
    function, origin : as in `FloatLayer`.
    """

    kind: ClassVar[str] = "mean"

    input_shape: Shape

    @property
    def output_shape(self) -> Shape:
        return (1, 1, self.input_shape[2])

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        return self._maps(inputs[0]).mean(axis=(1, 2), dtype=inputs[0].dtype)
