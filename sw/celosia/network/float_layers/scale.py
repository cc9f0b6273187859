"""A factor and a summand for each channel of a map of reals, and a function of each element."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError

from .layer import FloatLayer, constant

__all__ = ["FloatScale"]


@dataclass(frozen=True, eq=False)
class FloatScale(FloatLayer):
    """``y[p, c] = function(x[p, c] * scale[c] + shift[c])``: normalization, batch normalization,
    or a function alone; or with a factor and a summand for each value of the map.

    Before the first layer with weights and after the last one the host computes it, in float;
    elsewhere the quantizer folds it into a neighbour where that is exact, or makes it a depthwise
    convolution of one tap (`celosia.quant.scales`).

    Parameters
    ----------
    scale, shift : float [C] for the channels of the map, or for each of its values, in the order
        (y, x, channel). Kept as read-only float32 copies. `alone` makes one with ones and zeros.
    input_shape : (height, width, C) of the input and of the result; by default a vector's.
    function, origin : as in `FloatLayer`.

    Raises
    ------
    CelosiaError : shapes that do not fit, or a value that is not a finite float32.
    """

    kind: ClassVar[str] = "scale"

    scale: np.ndarray
    shift: np.ndarray
    input_shape: Shape = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", constant(self.scale, 1, "factors", self.origin))
        object.__setattr__(self, "shift", constant(self.shift, 1, "summands", self.origin))
        if self.input_shape is None:
            object.__setattr__(self, "input_shape", (1, 1, len(self.scale)))
        super().__post_init__()
        many = len(self.scale)
        if len(self.shift) != many or many not in (self.input_shape[2], self.outputs):
            raise CelosiaError(
                f"{len(self.scale)} factors and {len(self.shift)} summands do not fit a map "
                f"{list(self.input_shape)}",
                where=self.origin,
            )

    @classmethod
    def alone(cls, input_shape: Shape, **more: Any) -> "FloatScale":
        """One that changes nothing, for its ``function``."""
        channels = input_shape[2]
        ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        return cls(ones, zeros, input_shape, **more)

    @property
    def output_shape(self) -> Shape:
        return self.input_shape

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        repeats = self.outputs // len(self.scale)
        scale, shift = (np.tile(v, repeats).astype(x.dtype) for v in (self.scale, self.shift))
        return x * scale + shift
