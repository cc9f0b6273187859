"""The addresses of one descriptor of an engine with convolution: what its rows read and store.

Everything here is what the hardware adds, compares and counts: addresses modulo 2**16, coordinates
modulo 512.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from celosia.spec import Config, Op
from celosia.spec.maps import ADDRESS_BITS, COORDINATE_BITS

__all__ = ["WindowWalk", "kernel_taps", "params_read", "tile_weights", "weights_read"]

_ADDRESS, _SIDE = (1 << ADDRESS_BITS) - 1, (1 << COORDINATE_BITS) - 1


@dataclass(frozen=True)
class WindowWalk:
    """The walk of a layer; a *pixel* here is one that a row computes, in the order of the steps.

    Parameters
    ----------
    d : an unpacked legal descriptor of CONVOLUTION or DEPTHWISE.
    config : the engine.
    base : first activation word of the run's input bank.
    images : images of the run.
    """

    d: dict[str, int]
    config: Config
    base: int
    images: int

    @cached_property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """int [P] step and int [P] row of each pixel, step by step."""
        d = self.d
        most = self.images if d["images"] else d["rows_used"]
        step, row = np.divmod(np.arange(d["steps"] * most), most)
        if d["images"]:
            return step, row
        active = np.where(step < d["rows_full"], most, most - 1)
        return step[row < active], row[row < active]

    @cached_property
    def origins(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """y, x and address of each pixel's window, int [P] each."""
        d = self.d
        rows = int(self.pixels[1].max()) + 1
        start = d["start"] + (self.base * self.config.slots if d["from_input"] else 0)
        now = [np.array([v]) for v in (0, 0, start & _ADDRESS)]
        step = (0, 0, 0) if d["images"] else (d["row_y"], d["row_x"], d["row_bytes"])
        firsts = [now]
        for _ in range(1, rows):
            firsts.append(self._advance(firsts[-1], step))
        now = [np.concatenate(parts) for parts in zip(*firsts, strict=True)]
        found = [now]
        for _ in range(1, d["steps"]):
            now = self._advance(now, (0, d["pixel_x"], d["pixel_bytes"]))
            found.append(now)
        steps, row = self.pixels
        y, x, a = (np.stack(parts)[steps, row] for parts in zip(*found, strict=True))
        return y, x, a

    def _advance(self, now: list[np.ndarray], step: tuple[int, int, int]) -> list[np.ndarray]:
        """A step added; beyond the end of a line, the wrap too."""
        d = self.d
        wrap = now[1] + step[1] > d["x_last"]
        wraps = (d["wrap_y"], d["wrap_x"], d["wrap_bytes"])
        y, x, a = (v + s + wrap * w for v, s, w in zip(now, step, wraps, strict=True))
        return [y & _SIDE, x & _SIDE, a & _ADDRESS]

    @cached_property
    def taps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offset, y and x of each tap, int [taps] each, line by line."""
        d = self.d
        lines = [d["kernel_x"]] + [d["kernel_rest"]] * (d["kernel_y"] - 1)
        ky = np.repeat(np.arange(len(lines)), lines)
        kx = np.concatenate([np.arange(taps) for taps in lines])
        offset = ky * d["line_bytes"] + kx * d["tap_bytes"]
        return offset, d["corner_y"] + ky * d["line_y"], d["corner_x"] + kx * d["tap_x"]

    @cached_property
    def inside(self) -> np.ndarray:
        """bool [P, taps]: whether a tap lies on the map."""
        y, x, _ = self.origins
        _, dy, dx = self.taps
        return ((y[:, None] + dy & _SIDE) < self.d["height"]) & (
            (x[:, None] + dx & _SIDE) < self.d["width"]
        )

    @property
    def depthwise(self) -> bool:
        return self.d["op"] == Op.DEPTHWISE

    @cached_property
    def bytes(self) -> np.ndarray:
        """int [B], address of each byte of a tap from its first on, those of all tiles if each
        tile has its own."""
        d, config = self.d, self.config
        words = d["tiles"] if self.depthwise else d["tap_words"]
        places = np.arange(words)[:, None] * config.slots + np.arange(config.lanes)
        size = places.size if self.depthwise else places.size - config.lanes + d["tail"]
        return places.ravel()[:size]

    @cached_property
    def addresses(self) -> np.ndarray:
        """int32 [P, taps, B], every byte that is read."""
        at = (self.origins[2][:, None] + self.taps[0])[..., None] + self.bytes
        return (at & _ADDRESS).astype(np.int32)

    @cached_property
    def places(self) -> np.ndarray:
        """int32 [P, taps, B], `addresses` as bytes of a memory without the slots between words;
        0 outside the map."""
        word, byte = self.addresses // self.config.slots, self.addresses % self.config.slots
        return np.where(self.inside[..., None], word * self.config.lanes + byte, 0)

    @property
    def tile_words(self) -> int:
        return 1 if self.depthwise else self.config.words_per_tile

    @cached_property
    def drained(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixel and word of each result word, int [N] each, in the order of the drain: step, tile,
        word of the tile, row."""
        step, row = self.pixels
        words = self.d["tiles"] * self.tile_words
        pixel, word = (each.ravel() for each in np.mgrid[: len(step), :words])
        order = np.lexsort((row[pixel], word, step[pixel]))
        return pixel[order], word[order]

    @cached_property
    def numbers(self) -> np.ndarray:
        """int [N], the word number of each result word."""
        pixel, word = self.drained
        step, row = self.pixels
        d = self.d
        return (
            row[pixel] * d["result_row"] + step[pixel] * d["result_pixel"] + word
        ) & _ADDRESS  # fmt: skip

    def stores(self, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row, activation word and result word of everything stored in ``rows`` rows, int [M] each;
        where two meet, the last one stays."""
        d = self.d
        low = np.arange(rows)[:, None] * d["row_words"] - d["halo"]
        local = (self.numbers - low) & _ADDRESS
        row, result = np.nonzero(local < d["length"])
        return row, d["dst"] + local[row, result], result


def kernel_taps(d: dict[str, int]) -> int:
    """Taps of the kernel's lines together, ``kernel_x + (kernel_y - 1) * kernel_rest``."""
    return d["kernel_x"] + (d["kernel_y"] - 1) * d["kernel_rest"]


def tile_weights(d: dict[str, int], config: Config) -> int:
    """Weight words of a tile."""
    taps = kernel_taps(d)
    if d["op"] == Op.DEPTHWISE:
        return taps
    return taps * ((d["tap_words"] - 1) * config.lanes + d["tail"])


def weights_read(d: dict[str, int], config: Config) -> range:
    """From the first to the last record of weights that a descriptor reads."""
    start = d["weights"]
    return range(start, start + (d["tiles"] - 1) * d["weight_stride"] + tile_weights(d, config))


def params_read(d: dict[str, int], config: Config) -> range:
    """The records of parameters that a descriptor reads."""
    tile = config.beats if d["op"] == Op.DEPTHWISE else config.params_per_tile
    return range(d["params"], d["params"] + d["tiles"] * tile)
