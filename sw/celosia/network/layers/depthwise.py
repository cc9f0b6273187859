"""Depthwise convolution over maps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.requantize import rescale
from celosia.support.errors import CelosiaError

from .filtered import Filtered

__all__ = ["Depthwise"]


@dataclass(frozen=True, eq=False)
class Depthwise(Filtered):
    """A convolution of each channel by itself, LiteRT's DEPTHWISE_CONV_2D
    (``reference/integer_ops/depthwise_conv.h``, DepthwiseConvPerChannel).

    ``y[p, n] = table[clip(requantize(sum (x[tap, n // m] - zp_in) * w[tap, n] + b[n]) + zp, lo,
    hi)]`` over the taps of output pixel p that lie inside of the map; m is `copies`.

    ``weights`` are int8 [kernel height, kernel width, N] with N a multiple of the input's channels
    C. The other parameters, and errors, are those of `Filtered`.
    """

    kind: ClassVar[str] = "Depthwise"
    channel_axis: ClassVar[int] = 2

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 3 or 0 in shape or shape[2] % max(self.input_shape[2], 1):
            raise CelosiaError(
                f"weights of shape {shape} are not [height, width, a multiple of "
                f"{self.input_shape[2]}]",
                where=self.name,
            )
        super().__post_init__()

    @property
    def copies(self) -> int:
        """Outputs of each input channel, the depth multiplier."""
        return self.channels // self.input_shape[2]

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
