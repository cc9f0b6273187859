"""Depthwise convolution over maps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.numerics.requantize import rescale
from celosia.spec import Rounding
from celosia.support.errors import CelosiaError

from .layer import Layer, Shape, check_channels
from .window import Window

__all__ = ["Depthwise"]


@dataclass(frozen=True, eq=False)
class Depthwise(Layer):
    """A convolution of each channel by itself, LiteRT's DEPTHWISE_CONV_2D
    (``reference/integer_ops/depthwise_conv.h``, DepthwiseConvPerChannel).

    ``y[p, n] = table[clip(requantize(sum (x[tap, n // m] - zp_in) * w[tap, n] + b[n]) + zp, lo,
    hi)]`` over the taps of output pixel p that lie inside of the map; m is `copies`.

    Parameters
    ----------
    name : shown in every message.
    weights : int8 [kernel height, kernel width, N] with N a multiple of the input's channels C.
        Symmetric: zero point 0.
    bias : int32 [N], in units of ``input.scale * weight_scale[n]``.
    input : quantization of the int8 input.
    multiplier, shift : int64 [N], scale factor ``multiplier / 2**31 * 2**shift`` per channel.
    output : quantization of the result before the table.
    input_shape : (height, width, C) of the input.
    output_size : (height, width) of the result.
    stride, dilation : pixels along (height, width).
    padding : pixels outside of the map (above, to the left).
    rounding : `Rounding.DOUBLE` for DEPTHWISE_CONV_2D.
    clamp, table, table_output : as in `Layer`.

    Raises
    ------
    CelosiaError : shapes that do not fit, or a value outside its format; naming layer and channel.
    """

    kind: ClassVar[str] = "Depthwise"

    weights: np.ndarray
    bias: np.ndarray
    input: Quant
    multiplier: np.ndarray
    shift: np.ndarray
    output: Quant
    input_shape: Shape
    output_size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    rounding: Rounding = Rounding.DOUBLE

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 3 or 0 in shape or shape[2] % max(self.input_shape[2], 1):
            raise CelosiaError(
                f"weights of shape {shape} are not [height, width, a multiple of "
                f"{self.input_shape[2]}]",
                where=self.name,
            )
        per_channel = {"bias": self.bias, "multiplier": self.multiplier, "shift": self.shift}
        check_channels(self.name, self.weights, per_channel, shape[2], axis=2)
        super().__post_init__()
        self.window.check(self.name)

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel in taps."""
        return self.weights.shape[0], self.weights.shape[1]

    @property
    def copies(self) -> int:
        """Outputs of each input channel, the depth multiplier."""
        return self.weights.shape[2] // self.input_shape[2]

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.dilation, self.padding, self.output_size)

    @property
    def output_shape(self) -> Shape:
        return (*self.output_size, self.weights.shape[2])

    @property
    def macs(self) -> int:
        return self.output_size[0] * self.output_size[1] * self.weights.size

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        maps = self._maps(x).astype(np.int32) - self.input.zero_point
        acc = np.zeros((len(x), *self.output_shape), np.int32)
        for ky, kx, values in self.window.taps(maps, 0):
            if self.copies > 1:
                values = np.repeat(values, self.copies, axis=-1)
            acc += values * self.weights[ky, kx].astype(np.int32)
        v = rescale(acc, self.bias, self.multiplier, self.shift, self.rounding)
        return self._finish(v + self.output.zero_point)
