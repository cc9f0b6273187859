"""Convolution over maps of reals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape, Window
from celosia.support.errors import CelosiaError

from .layer import FloatLayer, constant

__all__ = ["FloatConvolution"]

#: Values of an unfolded input that are computed at a time: 64 MB of float32.
_VALUES = 1 << 24


@dataclass(frozen=True, eq=False)
class FloatConvolution(FloatLayer):
    """``y[p, n] = function(sum x[tap, c] * w[n, tap, c] + b[n])`` over the taps of output pixel p
    that lie inside of the map, and all channels c.

    Parameters
    ----------
    weights : float [N, kernel height, kernel width, C]. bias : float [N]. Kept as read-only float32
        copies. A grouped convolution is written out with zeros for the channels of other groups.
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

    kind: ClassVar[str] = "convolution"

    weights: np.ndarray
    bias: np.ndarray
    input_shape: Shape
    output_size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", constant(self.weights, 4, "weights", self.origin))
        object.__setattr__(self, "bias", constant(self.bias, 1, "biases", self.origin))
        n, channels = len(self.weights), self.weights.shape[3]
        if n != len(self.bias):
            raise CelosiaError(
                f"weights have {n} outputs but biases {len(self.bias)}", where=self.origin
            )
        super().__post_init__()
        if channels != self.input_shape[2]:
            raise CelosiaError(
                f"weights of {channels} channels do not fit a map {list(self.input_shape)}",
                where=self.origin,
            )
        self.window.check(self.origin)

    @property
    def window(self) -> Window:
        kernel = self.weights.shape[1], self.weights.shape[2]
        return Window(kernel, self.stride, self.dilation, self.padding, self.output_size)

    @property
    def output_shape(self) -> Shape:
        return (*self.output_size, len(self.bias))

    @property
    def macs(self) -> int:
        return self.output_size[0] * self.output_size[1] * self.weights.size

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        maps = self._maps(inputs[0])
        n, k = len(self.weights), self.weights[0].size
        weights = self.weights.reshape(n, k).T.astype(maps.dtype)
        bias, pixels = self.bias.astype(maps.dtype), self.output_size[0] * self.output_size[1]
        result = np.empty((len(maps), self.outputs), maps.dtype)
        step = max(_VALUES // (pixels * k), 1)
        for at in range(0, len(maps), step):
            taps = [values for _, _, values in self.window.taps(maps[at : at + step], 0)]
            columns = np.concatenate(taps, axis=-1).reshape(-1, k)
            result[at : at + step] = (columns @ weights + bias).reshape(-1, self.outputs)
        return result
