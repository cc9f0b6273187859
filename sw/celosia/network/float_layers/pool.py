"""Average and maximum pooling of reals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from celosia.network.layers import Shape, Window
from celosia.support.errors import CelosiaError

from .layer import FloatLayer

__all__ = ["FloatAveragePool", "FloatMaxPool", "FloatPool"]


@dataclass(frozen=True, eq=False)
class FloatPool(FloatLayer):
    """A function of the pixels of a window that lie inside of the map, of each channel by itself.

    Where a framework counts the padding, the values of `FloatPad` are inside of its map.

    Parameters
    ----------
    input_shape : (height, width, C) of the input.
    kernel, stride : pixels along (height, width).
    output_size : (height, width) of the result.
    padding : pixels above and to the left of the map. Those below and to the right follow from
        ``output_size``.
    function, origin : as in `FloatLayer`.

    Raises
    ------
    CelosiaError : values that are not possible, or a window without a pixel inside of the map.
    """

    input_shape: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    output_size: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.window.check(self.origin)
        for axis, name in ((0, "vertically"), (1, "horizontally")):
            last = (self.output_size[axis] - 1) * self.stride[axis] - self.padding[axis]
            if last >= self.input_shape[axis] or self.padding[axis] >= self.kernel[axis]:
                raise CelosiaError(f"a window lies outside of the map {name}", where=self.origin)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, (1, 1), self.padding, self.output_size)

    @property
    def output_shape(self) -> Shape:
        return (*self.output_size, self.input_shape[2])


@dataclass(frozen=True, eq=False)
class FloatAveragePool(FloatPool):
    """``y = function(sum(x) / n)`` over the n pixels of the window that lie inside of the map.

    Parameters as in `FloatPool`.
    """

    kind: ClassVar[str] = "average_pool"

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        maps = self._maps(inputs[0])
        total = np.zeros((len(maps), *self.output_shape), maps.dtype)
        for _, _, values in self.window.taps(maps, 0):
            total += values
        inside = self.window.inside(self.input_shape)[None, :, :, None].astype(maps.dtype)
        return (total / inside).reshape(len(maps), self.outputs)


@dataclass(frozen=True, eq=False)
class FloatMaxPool(FloatPool):
    """``y = function(max(x))`` over the pixels of the window that lie inside of the map.

    Parameters as in `FloatPool`.
    """

    kind: ClassVar[str] = "max_pool"

    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        maps = self._maps(inputs[0])
        largest = np.full((len(maps), *self.output_shape), -np.inf, maps.dtype)
        for _, _, values in self.window.taps(maps, -np.inf):
            np.maximum(largest, values, out=largest)
        return largest.reshape(len(maps), self.outputs)
