"""Depthwise convolution over maps of reals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape, Window
from celosia.support.errors import CelosiaError

from .layer import FloatLayer, constant

__all__ = ["FloatDepthwise"]


@dataclass(frozen=True, eq=False)
class FloatDepthwise(FloatLayer):
    """``y[p, n] = function(sum x[tap, n // m] * w[tap, n] + b[n])`` over the taps of output pixel p
    that lie inside of the map; m is `copies`.

    Parameters
    ----------
    weights : float [kernel height, kernel width, N] with N a multiple of the input's channels C.
    bias : float [N]. Both are kept as read-only float32 copies.
    input_shape : (height, width, C) of the input.
    output_size : (height, width) of the result.
    stride, dilation : pixels along (height, width).
    padding : pixels of zeros above and to the left of the map. Those below and to the right follow
        from ``output_size``.
    function, origin : as in `FloatLayer`.

    Raises
    ------
    CelosiaError : shapes that do not fit, or a value that is not a finite float32.
    """

    kind: ClassVar[str] = "depthwise"

    weights: np.ndarray
    bias: np.ndarray
    input_shape: Shape
    output_size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", constant(self.weights, 3, "weights", self.origin))
        object.__setattr__(self, "bias", constant(self.bias, 1, "biases", self.origin))
        n = self.weights.shape[2]
        if n != len(self.bias):
            raise CelosiaError(
                f"weights have {n} outputs but biases {len(self.bias)}", where=self.origin
            )
        super().__post_init__()
        if n % self.input_shape[2]:
            raise CelosiaError(
                f"{n} outputs are not a multiple of {self.input_shape[2]} channels",
                where=self.origin,
            )
        self.window.check(self.origin)

    @property
    def copies(self) -> int:
        """Outputs of each input channel, the depth multiplier."""
        return len(self.bias) // self.input_shape[2]

    @property
    def window(self) -> Window:
        kernel = self.weights.shape[0], self.weights.shape[1]
        return Window(kernel, self.stride, self.dilation, self.padding, self.output_size)

    @property
    def output_shape(self) -> Shape:
        return (*self.output_size, len(self.bias))

    @property
    def macs(self) -> int:
        return self.output_size[0] * self.output_size[1] * self.weights.size

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        maps = self._maps(inputs[0])
        weights = self.weights.astype(maps.dtype)
        total = np.zeros((len(maps), *self.output_shape), maps.dtype)
        for ky, kx, values in self.window.taps(maps, 0):
            if self.copies > 1:
                values = np.repeat(values, self.copies, axis=-1)
            total += values * weights[ky, kx]
        return (total + self.bias.astype(maps.dtype)).reshape(len(maps), self.outputs)
