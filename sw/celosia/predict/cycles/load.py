"""What the engine is asked to do, as far as its control can tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from celosia.spec import Config

__all__ = ["NEVER", "ActiveLayer", "LayerLoad", "MapLoad", "RunLoad", "Step"]

#: A cycle that does not come.
NEVER = 1 << 62
#: Where words of results are no longer counted.
_MOST = (1 << 17) - 1


class Step(NamedTuple):
    """A word that is scanned, of which ``needed`` bytes are multiplied when ``need`` words of the
    layer before are stored. ``dropped``: bytes of the tile that are not, told at its end."""

    need: int
    needed: int
    dropped: int
    ends_tile: bool
    ends_pixel: bool
    ends_layer: bool


@dataclass(frozen=True)
class LayerLoad:
    """What a layer asks of the engine.

    Input word j is read when ``lead + j`` words of the layer before are stored; at once when
    ``lead`` is None, because it reads none of these. ``needed`` has, for every input word, the
    number of bytes to multiply (0: the word is skipped), and ``bytes_in`` the number of all its
    bytes that count.
    """

    lead: int | None
    tiles: int
    store: bool
    emit: bool
    needed: tuple[int, ...]
    bytes_in: int

    @property
    def words(self) -> int:
        """Words that are scanned."""
        return self.tiles * len(self.needed)

    @property
    def dropped(self) -> int:
        """Bytes that are not multiplied."""
        return self.tiles * (self.bytes_in - sum(self.needed))

    @property
    def pixels(self) -> int:
        """Results of a row, of all tiles each."""
        return 1

    def most_rows(self, images: int) -> int:
        """Rows that compute something in a run of ``images``."""
        return images

    def rows(self, pixel: int, images: int) -> int:
        """Those of them that compute pixel number ``pixel``."""
        return images

    def tile_words(self, config: Config) -> int:
        """Words of results that a row has of a tile."""
        return config.words_per_tile

    def steps(self) -> Iterator[Step]:
        """Every input word for each tile."""
        last_word, dropped = len(self.needed) - 1, self.bytes_in - sum(self.needed)
        for tile in range(self.tiles):
            last_tile = tile == self.tiles - 1
            for word, needed in enumerate(self.needed):
                need = 0 if self.lead is None else self.lead + word
                if word == last_word:
                    yield Step(need, needed, dropped, True, last_tile, last_tile)
                else:
                    yield Step(need, needed, 0, False, False, False)


@dataclass(frozen=True)
class MapLoad:
    """What a layer on a map asks of the engine: fields of its descriptor, ``wait`` None if it does
    not wait.

    ``needed`` has, for every pixel of a row, the bytes to multiply of each word of each tap;
    ``bytes_in`` is the number of bytes of all taps. Of DEPTHWISE a word is one k, and counts as a
    byte.
    """

    tiles: int
    store: bool
    emit: bool
    depthwise: bool
    images: bool
    rows_used: int
    rows_full: int
    tap_words: int
    wait: int | None
    wait_step: int
    needed: tuple[tuple[int, ...], ...]
    bytes_in: int

    @property
    def words(self) -> int:
        """As `LayerLoad.words`."""
        return self.tiles * sum(map(len, self.needed))

    @property
    def dropped(self) -> int:
        """As `LayerLoad.dropped`."""
        return self.tiles * (self.pixels * self.bytes_in - sum(map(sum, self.needed)))

    @property
    def pixels(self) -> int:
        """As `LayerLoad.pixels`."""
        return len(self.needed)

    def most_rows(self, images: int) -> int:
        """As `LayerLoad.most_rows`."""
        return images if self.images else self.rows_used

    def rows(self, pixel: int, images: int) -> int:
        """As `LayerLoad.rows`."""
        return images if self.images else self.rows_used - (pixel >= self.rows_full)

    def tile_words(self, config: Config) -> int:
        """As `LayerLoad.tile_words`."""
        return 1 if self.depthwise else config.words_per_tile

    def steps(self) -> Iterator[Step]:
        """Every word of every tap for each tile of each pixel."""
        last_pixel, last_tile = len(self.needed) - 1, self.tiles - 1
        for i, pixel in enumerate(self.needed):
            last_word, dropped = len(pixel) - 1, self.bytes_in - sum(pixel)
            for t in range(self.tiles):
                for n, needed in enumerate(pixel):
                    ends_tile = n == last_word
                    ends_pixel = ends_tile and t == last_tile
                    ends_layer = ends_pixel and i == last_pixel
                    need = self._need(i, t, n % self.tap_words)
                    yield Step(need, needed, dropped * ends_tile, ends_tile, ends_pixel, ends_layer)

    def _need(self, i: int, t: int, j: int) -> int:
        """Words of the layer before that word ``j`` of a tap needs."""
        if self.wait is None:
            return 0
        return min(self.wait + i * self.wait_step + j + self.depthwise * t + 1, _MOST)


@dataclass(frozen=True)
class RunLoad:
    """One INFER: ``images`` of ``input_words`` words through ``layers``."""

    images: int
    input_words: int
    layers: tuple[LayerLoad | MapLoad, ...]


@dataclass(frozen=True)
class ActiveLayer:
    """A layer that was started: ``last`` of its run, for ``images``."""

    load: LayerLoad | MapLoad
    last: bool
    images: int
