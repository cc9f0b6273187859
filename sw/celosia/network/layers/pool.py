"""What average and maximum pooling have in common."""

from dataclasses import dataclass

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

from .layer import Layer, Shape
from .window import Window

__all__ = ["Pool"]


@dataclass(frozen=True, eq=False)
class Pool(Layer):
    """A function of the pixels of a window, of each channel by itself.

    Parameters
    ----------
    name : shown in every message.
    input, output : quantizations. LiteRT computes with the bytes as they are, so both mean the same
        (equal zero points, scales that differ by 1e-6 at most).
    input_shape : (height, width, C) of the input.
    kernel, stride : pixels along (height, width).
    output_size : (height, width) of the result.
    padding : pixels outside of the map (above, to the left). They do not count.
    clamp, table, table_output : as in `Layer`.

    Raises
    ------
    CelosiaError : values that are not possible, or a window without a pixel inside of the map.
    """

    input: Quant
    output: Quant
    input_shape: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    output_size: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.window.check(self.name)
        for axis, name in ((0, "vertically"), (1, "horizontally")):
            last = (self.output_size[axis] - 1) * self.stride[axis] - self.padding[axis]
            if last >= self.input_shape[axis] or self.padding[axis] >= self.kernel[axis]:
                raise CelosiaError(f"a window lies outside of the map {name}", where=self.name)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, (1, 1), self.padding, self.output_size)

    @property
    def output_shape(self) -> Shape:
        return (*self.output_size, self.input_shape[2])
