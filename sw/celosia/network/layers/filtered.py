"""What convolution and depthwise convolution have in common."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import Rounding

from .layer import Layer, Shape, check_channels
from .window import Window

__all__ = ["Filtered"]


@dataclass(frozen=True, eq=False)
class Filtered(Layer):
    """Sums of a window's pixels times weights, requantized for each of N output channels.

    Parameters
    ----------
    name : shown in every message.
    weights : int8, in the axes of the subclass. Symmetric: zero point 0.
    bias : int32 [N], in units of ``input.scale * weight_scale[n]``.
    input : quantization of the int8 input.
    multiplier, shift : int64 [N], scale factor ``multiplier / 2**31 * 2**shift`` per channel.
    output : quantization of the result before the table.
    input_shape : (height, width, C) of the input.
    output_size : (height, width) of the result.
    stride, dilation : pixels along (height, width).
    padding : pixels outside of the map (above, to the left).
    rounding : `Rounding.DOUBLE` for CONV_2D and DEPTHWISE_CONV_2D.
    clamp, table, table_output : as in `Layer`.

    Attributes
    ----------
    channel_axis : the axis of ``weights`` that runs over the output channels. The third and second
        axis from the end are the kernel's lines and taps.

    Raises
    ------
    CelosiaError : a value outside its format, or a window that is not possible; naming layer and
        channel.
    """

    channel_axis: ClassVar[int]

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
        per_channel = {"bias": self.bias, "multiplier": self.multiplier, "shift": self.shift}
        check_channels(self.name, self.weights, per_channel, self.channels, self.channel_axis)
        super().__post_init__()
        self.window.check(self.name)

    @property
    def channels(self) -> int:
        """Of the result, N."""
        return self.weights.shape[self.channel_axis]

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel in taps."""
        height, width = self.weights.shape[-3:-1]
        return height, width

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.dilation, self.padding, self.output_size)

    @property
    def output_shape(self) -> Shape:
        return (*self.output_size, self.channels)

    @property
    def macs(self) -> int:
        return self.output_size[0] * self.output_size[1] * self.weights.size
