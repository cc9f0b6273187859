"""Convolution over maps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.numerics.requantize import rescale
from celosia.support.errors import CelosiaError

from .filtered import Filtered

__all__ = ["Convolution"]

#: Multiply-adds up to which OpenBLAS stays in the calling thread; beyond, its threads wait for each
#: other when other work has the cores.
_ONE_THREAD = 1 << 18


@dataclass(frozen=True, eq=False)
class Convolution(Filtered):
    """A two-dimensional convolution, LiteRT's CONV_2D
    (``reference/integer_ops/conv.h``, ConvPerChannel).

    ``y[p, n] = table[clip(requantize(sum (x[tap, c] - zp_in) * w[n, tap, c] + b[n]) + zp, lo,
    hi)]`` over the taps of output pixel p that lie inside of the map, and all channels c.

    ``weights`` are int8 [N, kernel height, kernel width, C]. The other parameters, and errors, are
    those of `Filtered`.
    """

    kind: ClassVar[str] = "Convolution"
    channel_axis: ClassVar[int] = 0

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 4 or 0 in shape or shape[3] != self.input_shape[2]:
            raise CelosiaError(
                f"weights of shape {shape} are not [outputs, height, width, {self.input_shape[2]}]",
                where=self.name,
            )
        super().__post_init__()

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        n, k = len(self.weights), self.weights[0].size
        # |x - zp| <= 255: the narrowest float that holds every partial sum exactly.
        largest = 255 * int(np.abs(self.weights.astype(np.int64)).reshape(n, k).sum(axis=1).max())
        kind = np.float32 if largest <= 1 << 24 else np.float64
        weights = np.ascontiguousarray(self.weights.reshape(n, k).T.astype(kind))
        results = [self._image(each, weights, kind) for each in self._maps(x)]
        return np.concatenate(results) if results else np.zeros((0, self.outputs), np.int8)

    def _image(self, image: np.ndarray, weights: np.ndarray, kind: type) -> np.ndarray:
        """int8 [1, outputs] of one image [height, width, C] and weights [K, N]."""
        x = image[None].astype(kind) - kind(self.input.zero_point)
        taps = [values[0] for _, _, values in self.window.taps(x, 0)]
        columns = np.concatenate(taps, axis=-1).reshape(-1, len(weights))
        step = max(_ONE_THREAD // weights.size, 1)
        acc = np.concatenate(
            [columns[at : at + step] @ weights for at in range(0, len(columns), step)]
        )
        v = rescale(acc.astype(np.int64), self.bias, self.multiplier, self.shift, self.rounding)
        return self._finish((v + self.output.zero_point)[None])
