"""The windows of convolutions and pools: which input pixels each output pixel reads."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from celosia.support.errors import CelosiaError

from .layer import Shape

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """Output pixel (y, x) reads the input pixels ``y * stride - padding + k * dilation`` along
    each axis, k = 0 .. kernel - 1.

    All parameters are (along height, along width), in pixels.

    Parameters
    ----------
    kernel, stride, dilation : at least 1.
    padding : (top, left), at least 0; what lies below and to the right follows from ``size``.
    size : of the output map, at least 1.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    size: tuple[int, int]

    def check(self, where: str) -> None:
        """Raises CelosiaError, naming the layer ``where``, for a value out of range."""
        least_of = {"kernel": 1, "stride": 1, "dilation": 1, "padding": 0, "size": 1}
        for what, least in least_of.items():
            values = getattr(self, what)
            if len(values) != 2 or min(values) < least:
                raise CelosiaError(f"{what} {list(values)} is not possible", where=where)

    def taps(self, x: np.ndarray, outside: float) -> Iterator[tuple[int, int, np.ndarray]]:
        """For each tap (ky, kx) the value it reads for every output pixel.

        Parameters
        ----------
        x : [images, height, width, channels].
        outside : the value of pixels outside of the map.

        Yields
        ------
        ky, kx, [images, *size, channels] view.
        """
        pads, starts = [(0, 0)], []
        for axis in (0, 1):
            stride, before = self.stride[axis], self.padding[axis]
            last = (self.size[axis] - 1) * stride - before
            last += (self.kernel[axis] - 1) * self.dilation[axis]
            pads.append((before, max(last + 1 - x.shape[axis + 1], 0)))
            starts.append((self.dilation[axis], (self.size[axis] - 1) * stride + 1, stride))
        padded = np.pad(x, (*pads, (0, 0)), constant_values=outside)
        (dy, high, sy), (dx, wide, sx) = starts
        for ky in range(self.kernel[0]):
            rows = padded[:, ky * dy : ky * dy + high : sy]
            for kx in range(self.kernel[1]):
                yield ky, kx, rows[:, :, kx * dx : kx * dx + wide : sx]

    def inside(self, shape: Shape) -> np.ndarray:
        """int32 [*size]: how many taps of each output pixel lie inside a map of ``shape``."""
        ones = np.ones((1, *shape[:2], 1), np.int32)
        total = np.zeros((1, *self.size, 1), np.int32)
        for _, _, values in self.taps(ones, 0):
            total += values
        return total[0, :, :, 0]
