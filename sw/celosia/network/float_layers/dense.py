"""Fully connected, of reals."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError

from .layer import FloatLayer, constant

__all__ = ["FloatDense"]


@dataclass(frozen=True, eq=False)
class FloatDense(FloatLayer):
    """``y = function(x @ weights + bias)``.

    Parameters
    ----------
    weights : float [K, N]; K runs over the input's (y, x, channel). bias : float [N]. Kept as
        read-only float32 copies.
    input_shape : (height, width, channels) of the input; by default a vector's, (1, 1, K).
    function, origin : as in `FloatLayer`.

    Raises
    ------
    CelosiaError : shapes that do not fit, or a value that is not a finite float32.
    """

    kind: ClassVar[str] = "dense"

    weights: np.ndarray
    bias: np.ndarray
    input_shape: Shape = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        weights = constant(self.weights, 2, "weights", self.origin)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", constant(self.bias, 1, "biases", self.origin))
        k, n = weights.shape
        if n != len(self.bias):
            raise CelosiaError(
                f"weights have {n} outputs but biases {len(self.bias)}", where=self.origin
            )
        if self.input_shape is None:
            object.__setattr__(self, "input_shape", (1, 1, k))
        super().__post_init__()
        if prod(self.input_shape) != k:
            raise CelosiaError(
                f"map {list(self.input_shape)} does not hold {k} values", where=self.origin
            )

    @property
    def output_shape(self) -> Shape:
        return (1, 1, len(self.bias))

    @property
    def macs(self) -> int:
        return self.weights.size

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        return x @ self.weights.astype(x.dtype, copy=False) + self.bias.astype(x.dtype, copy=False)
