"""The drain: shifts finished tiles out, beat by beat, and sends them on their way."""

from collections import deque
from typing import NamedTuple

from celosia.spec import Config
from celosia.spec.timing import (
    ARRAY_LATENCY,
    DRAIN_LATENCY,
    MULTICYCLE_LATENCY,
    OPERAND_LATENCY,
    REQUANTIZER_LATENCY,
    RESULTS_DEPTH,
    TABLES_LATENCY,
)

from .load import NEVER, ActiveLayer
from .prediction import Prediction

__all__ = ["Arrival", "Drain"]

#: From the walker's decision to the first cycle in which the drain may decide to shift the tile.
_TO_CHAIN = OPERAND_LATENCY + ARRAY_LATENCY
#: Slots for results that may be taken while the drain takes another one.
_ROOM = RESULTS_DEPTH - 3


class Arrival(NamedTuple):
    """A word that arrives, in cycle ``at``, at memories and result queue."""

    at: int
    stored: bool
    word_end: bool
    to_host: bool
    frame_end: bool
    layer_end: bool


class Drain:
    """Shifts out the tiles of ``layers``.

    ``open`` is the layer whose tiles are shifted, ``opening`` the one that will be in the next
    cycle. A tile is ``claimed`` before it ends and can be shifted from cycle ``loaded_from`` on.
    ``arrivals`` are the words on their way, in order.

    Parameters
    ----------
    out : counts ``stall_output``.
    """

    def __init__(self, config: Config, out: Prediction):
        self.config, self.out = config, out
        # From the drain's decision on a word to its arrival.
        fast = config.requantizer_cycles == 1
        self.to_arrival = DRAIN_LATENCY + TABLES_LATENCY
        self.to_arrival += REQUANTIZER_LATENCY if fast else MULTICYCLE_LATENCY
        self.layers: deque[ActiveLayer] = deque()
        self.opening: ActiveLayer | None = None
        self.open: ActiveLayer | None = None
        self.tiles_left = 0
        self.claimed, self.loaded_from = False, NEVER
        self.beat = self.row = self.word = self.next_beat = 0
        self.slots = 0  # for results that are taken
        self.room, self.shifted = False, False
        self.arrivals: deque[Arrival] = deque()

    def arrival(self, now: int) -> Arrival | None:
        """The word that arrives in this cycle."""
        if self.arrivals and self.arrivals[0].at == now:
            return self.arrivals.popleft()
        return None

    def cycle(self, now: int) -> bool:
        """Returns whether a word for the host was shifted."""
        if self.loaded_from > now or self.open is None or not self.tiles_left:
            return False
        if self.next_beat > now:
            return False
        layer = self.open
        to_host = layer.load.emit and self.row < layer.images
        if to_host and not self.room:
            self.out.stall_output += 1
            return False
        self.next_beat = now + self.config.requantizer_cycles
        self.beat += 1
        if self.beat < self.config.beats:
            return False
        self.beat = 0
        self._shift(now, layer, to_host)
        return to_host

    def edge(
        self, now: int, started: ActiveLayer | None, claim: bool, layer_done: bool, change: int
    ) -> None:
        """What the clock edge makes visible.

        Parameters
        ----------
        started : a layer. claim : a tile. layer_done : the open layer's last word has arrived.
        change : slots taken less slots freed.
        """
        if self.opening:
            self.open, self.opening = self.opening, None
            self.tiles_left = self.open.load.tiles
        elif self.open is None and self.layers:
            self.opening = self.layers.popleft()
        if layer_done:
            self.open = None
        if started:
            self.layers.append(started)
        if claim:
            self.claimed, self.loaded_from = True, now + _TO_CHAIN
        self.room = self.slots <= _ROOM
        self.slots += change

    def moves(self, now: int) -> bool:
        """Whether it does more than wait in the next cycle."""
        if self.open is None:
            if self.opening or self.layers:
                return True
        elif self.loaded_from <= now or self.opening:
            return True
        return self.shifted or self.room != (self.slots <= _ROOM)

    def next_event(self) -> int:
        """The cycle in which a tile can be shifted or a word arrives."""
        return min(self.loaded_from, self.arrivals[0].at if self.arrivals else NEVER)

    def _shift(self, now: int, layer: ActiveLayer, to_host: bool) -> None:
        row_ends = self.row == self.config.rows - 1
        last_word = self.word == self.config.words_per_tile - 1
        tile_ends, last_tile = row_ends and last_word, self.tiles_left == 1
        last_image = self.row == layer.images - 1
        self.arrivals.append(
            Arrival(
                at=now + self.to_arrival,
                stored=layer.load.store,
                word_end=row_ends,
                to_host=to_host,
                frame_end=layer.last and last_tile and last_word and last_image,
                layer_end=tile_ends and last_tile,
            )
        )
        self.row = 0 if row_ends else self.row + 1
        if row_ends:
            self.word = 0 if last_word else self.word + 1
        if tile_ends:
            self.claimed, self.loaded_from = False, NEVER
            self.tiles_left -= 1
