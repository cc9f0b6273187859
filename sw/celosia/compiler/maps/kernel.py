"""What lies between a graph and a program: maps in activation memory, and kernels over them."""

from dataclasses import dataclass, field

import numpy as np

from celosia.spec import Config, Op, Rounding, ceil_div

__all__ = ["Kernel", "Map", "Piece", "Program", "View"]


@dataclass(eq=False)
class Map:
    """A map in activation memory.

    Parameters
    ----------
    pixels : of the whole map. In which lines they lie, a kernel says.
    words : activation words of a pixel; it grows while a concatenation is lowered.
    packed : 0, or the bytes of a pixel where pixels follow each other byte by byte.
    """

    pixels: int
    words: int
    packed: int = 0

    def pixel_slots(self, config: Config) -> int:
        """Addresses from a pixel to the next."""
        return self.packed or self.words * config.slots

    def size(self, config: Config) -> int:
        """Activation words of the whole map of one image."""
        return config.words(self.pixels * self.packed) if self.packed else self.pixels * self.words


@dataclass(frozen=True, eq=False)
class Piece:
    """What a kernel makes of a tensor: some channels, on all or a part of its pixels.

    Parameters
    ----------
    kernel : its number.
    channels : int [C], of the tensor.
    results : int [C], byte of each of them in the words that the kernel makes for a pixel.
    corner : y and x of the kernel's first pixel in the tensor.
    size : height and width of what it makes.
    """

    kernel: int
    channels: np.ndarray
    results: np.ndarray
    corner: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class View:
    """A tensor of the graph: where its channels lie in a map, and which kernels make them.

    Parameters
    ----------
    map : number of the map.
    places : int [C], byte of each channel in the map's pixel, ``word * lanes + byte``.
    pieces : none of the graph's input. Where two of them meet, the later one is right.
    """

    map: int
    places: np.ndarray
    pieces: tuple[Piece, ...] = ()

    def first(self, config: Config) -> int:
        """First word of the pixel that is the tensor's."""
        return int(self.places.min()) // config.lanes

    def local(self, config: Config) -> np.ndarray:
        """int [C], `places` counted from the first word."""
        return self.places - self.first(config) * config.lanes

    def words(self, config: Config) -> int:
        """Words from the first to the last of a pixel."""
        return int(self.places.max()) // config.lanes - self.first(config) + 1


@dataclass(eq=False, kw_only=True)
class Kernel:
    """One descriptor: a window that walks over one map, or over two of the same shape.

    Parameters
    ----------
    name : of the graph's layer.
    op : CONVOLUTION or DEPTHWISE.
    source : number of the map that it reads; first : first word that it reads of each pixel.
    source_size : lines and pixels of a line of the source.
    other : None, or number and first word of a second map of the same shape. Then the kernel has
        two lines of taps, all of them at one pixel, and the second line reads the second map.
    other_taps : taps of the second line then; `taps` has those of the first line.
    result : number of the map that it writes; result_first : first word of each pixel.
    whole : height and width of the result.
    corner, size : y and x of the first pixel in it, and height and width of what the kernel makes:
        whole lines, one line or one column.
    taps : height and width of the kernel.
    stride, dilation, padding : (y, x); the padding is at the top and at the left.
    weights : CONVOLUTION int8 [N, taps, bytes], bytes of the source's pixel from its first word on;
        DEPTHWISE int8 [taps, bytes], whole words.
    bias : int64 [N], folded; DEPTHWISE: N is the bytes of the words.
    multiplier, shift : int64 [N].
    zero_point, clamp, outside : bytes in offset binary.
    table : None, or 256 bytes in offset binary on both sides.
    """

    name: str
    op: Op
    source: int
    first: int
    source_size: tuple[int, int]
    result: int
    result_first: int
    whole: tuple[int, int]
    size: tuple[int, int]
    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    rounding: Rounding
    zero_point: int
    clamp: tuple[int, int] = (0, 255)
    outside: int = 0
    taps: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    corner: tuple[int, int] = (0, 0)
    other: tuple[int, int] | None = None
    other_taps: int = 0
    table: bytes | None = None
    emit: bool = False

    @property
    def sources(self) -> tuple[int, ...]:
        return (self.source,) if self.other is None else (self.source, self.other[0])

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]

    def tiles(self, config: Config) -> int:
        if self.op is Op.DEPTHWISE:
            return self.weights.shape[1] // config.lanes
        return config.tiles(len(self.weights))

    def tile_words(self, config: Config) -> int:
        """Activation words that one tile makes for a pixel."""
        return 1 if self.op is Op.DEPTHWISE else config.words_per_tile

    def result_words(self, config: Config) -> int:
        """Activation words that it makes for a pixel."""
        return self.tiles(config) * self.tile_words(config)

    def k(self) -> int:
        """Weight words of a tile."""
        return self.weights.shape[0] if self.op is Op.DEPTHWISE else self.weights[0].size

    def tap_bytes(self, config: Config) -> int:
        """Bytes of the source's pixel that a tap reads, in all tiles."""
        return self.weights.shape[-1]

    def weight_stride(self, config: Config) -> int:
        """Weight words from a tile to the next: tiles share them where all are the same, as those
        of a pool are."""
        same = self.op is Op.DEPTHWISE and (self.weights == self.weights.flat[0]).all()
        return 1 if same and self.tiles(config) > 1 else self.k()

    def weight_words(self, config: Config) -> int:
        return (self.tiles(config) - 1) * self.weight_stride(config) + self.k()

    def param_words(self, config: Config) -> int:
        return self.result_words(config) * config.beats

    def cycles(self, config: Config, images: bool) -> int:
        """Estimated cycles of a run, images in every row if ``images``: tiles times the longer of
        its k and its drain, boundaries not counted."""
        steps = self.pixels if images else ceil_div(self.pixels, config.rows)
        rows = config.rows if images else ceil_div(self.pixels, steps)
        full = steps if images else (self.pixels - 1) % steps + 1
        beats = self.tile_words(config) * config.beats * config.requantizer_cycles
        k = self.k()
        one = full * max(k, rows * beats) + (steps - full) * max(k, (rows - 1) * beats)
        return self.tiles(config) * one


@dataclass(eq=False)
class Program:
    """A lowered graph.

    Parameters
    ----------
    maps : map 0 is the graph's input.
    kernels : in the order of the program.
    views : tensor by its number; None of a tensor that was folded away.
    alike : maps that keep the same distance from row to row and pixel to pixel.
    """

    maps: list[Map] = field(default_factory=list)
    kernels: list[Kernel] = field(default_factory=list)
    views: dict[int, View | None] = field(default_factory=dict)
    alike: list[set[int]] = field(default_factory=list)
