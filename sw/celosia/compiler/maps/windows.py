"""Which pixels and words the windows of a kernel read, straight from its geometry."""

import numpy as np

from celosia.spec import Config, Op, ceil_div

from .kernel import Kernel, Map

__all__ = ["NONE", "is_whole", "pixels_read", "row_steps", "words_read"]

#: Beyond every word.
NONE = 1 << 40


def row_steps(pixels: int, config: Config, images: bool) -> int:
    """S, the pixels of a row's stripe; with ``images`` each row has a map of its own."""
    return pixels if images else ceil_div(pixels, config.rows)


def pixels_read(kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """Pixel of the source at each tap of each pixel of the result, int [P, taps].

    And bool [P, taps] whether it is inside the map; outside it the number means nothing. Of a
    kernel over two maps the second line is given as many taps as the first: all are at one pixel.
    """
    at, inside = [], []
    for axis, limit in enumerate(kernel.source_size):
        count, taps = kernel.size[axis], kernel.taps[axis]
        first = np.arange(count)[:, None] * kernel.stride[axis] - kernel.padding[axis]
        place = first + np.arange(taps) * kernel.dilation[axis]
        at.append(place)
        inside.append((place >= 0) & (place < limit))
    (y, x), (in_y, in_x) = at, inside
    pixel = y[:, None, :, None] * kernel.source_size[1] + x[None, :, None, :]
    both = in_y[:, None, :, None] & in_x[None, :, None, :]
    return pixel.reshape(kernel.pixels, -1), both.reshape(kernel.pixels, -1)


def is_whole(kernel: Kernel, source: Map, config: Config) -> bool:
    """Whether it reads a whole map whose bytes follow each other: one long tap."""
    bytes_of_pixel = source.packed or source.words * config.lanes
    # With holes between the words' bytes, byte addresses do not count on.
    linear = config.slots == config.lanes or source.pixels == 1
    return (
        kernel.op is Op.CONVOLUTION
        and kernel.pixels == 1
        and kernel.other is None
        and kernel.taps == kernel.source_size
        and kernel.padding == (0, 0)
        and kernel.dilation == (1, 1)
        and (source.pixels == 1 or (linear and kernel.tap_bytes(config) == bytes_of_pixel))
    )


def words_read(kernel: Kernel, source: Map, first: int, config: Config, images: bool) -> np.ndarray:
    """First and last word of a map that each row reads, int64 [rows, 2]; NONE, -NONE for none.

    Parameters
    ----------
    first : word of each pixel with which a tap begins.
    """
    pixel, inside = pixels_read(kernel)
    size = kernel.tap_bytes(config)
    if source.packed:
        low = pixel * source.packed // config.lanes
        high = (pixel * source.packed + size - 1) // config.lanes
    else:
        low = pixel * source.words + first
        high = low + ceil_div(size, config.lanes) - 1
    out = np.tile(np.array([NONE, -NONE]), (config.rows, 1))
    row = np.arange(kernel.pixels) // row_steps(kernel.pixels, config, images)
    np.minimum.at(out[:, 0], row, np.where(inside, low, NONE).min(axis=1))
    np.maximum.at(out[:, 1], row, np.where(inside, high, -NONE).max(axis=1))
    return out
