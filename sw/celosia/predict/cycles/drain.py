"""The drain: shifts finished tiles out, beat by beat, and sends them on their way."""

from collections import deque
from typing import NamedTuple

from celosia.spec import Config
from celosia.spec.timing import (
    CLAIM_LATENCY,
    DRAIN_LATENCY,
    MULTICYCLE_LATENCY,
    REQUANTIZER_LATENCY,
    RESULTS_DEPTH,
    TABLES_LATENCY,
)

from .load import NEVER, ActiveLayer
from .prediction import Prediction

__all__ = ["Arrival", "Drain"]

#: Slots for results that may be taken while the drain takes another one.
_CREDIT = RESULTS_DEPTH - 3


class Arrival(NamedTuple):
    """A word that arrives, in cycle ``at``, at memories and result queue."""

    at: int
    stored: bool
    word_end: bool
    to_host: bool
    frame_end: bool
    layer_end: bool


class Drain:
    """Shifts out the tiles of ``layers``, of which the first one is open.

    A tile is claimed ``claim_latency`` cycles before its first beat at the earliest; while one is
    claimed ahead, at most ``most`` slots may be taken. Each of the tiles ``claimed`` can be shifted
    from the cycle given there on. All of them will have been before cycle ``drained``, which is
    later by each cycle that the host makes them wait. ``claiming`` are the layers with tiles to be
    claimed, ``claims_left`` of the first one. ``arrivals`` are the words on their way, in order.

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
        self.claim_latency = CLAIM_LATENCY + config.convolution
        self.most = _CREDIT - self.claim_latency
        self.layers: deque[ActiveLayer] = deque()
        self.claiming: deque[ActiveLayer] = deque()
        self.tiles_left = self.claims_left = 0
        self.claimed: deque[int] = deque()
        self.drained = 0
        self.beat = self.row = self.word = self.pixel = self.next_beat = 0
        self.slots = 0  # for results that are taken
        # Whether there is credit, and room for a claim, which claims see a cycle later.
        self.credit = self.room = self.room_seen = False
        self.shifted = False
        self.arrivals: deque[Arrival] = deque()

    def arrival(self, now: int) -> Arrival | None:
        """The word that arrives in this cycle."""
        if self.arrivals and self.arrivals[0].at == now:
            return self.arrivals.popleft()
        return None

    def free(self, now: int) -> bool:
        """Whether a tile may be claimed."""
        ahead = self.drained - now
        return ahead <= 0 or (ahead <= self.claim_latency and self.room_seen)

    def cycle(self, now: int) -> bool:
        """Returns whether a word for the host was shifted."""
        if not self.claimed or self.claimed[0] > now or self.next_beat > now:
            return False
        layer = self.layers[0]
        if layer.load.emit and not self.credit:
            self.out.stall_output += 1
            self.drained += 1
            return False
        self.next_beat = now + self.config.requantizer_cycles
        self.beat += 1
        if self.beat < self.config.beats:
            return False
        self.beat = 0
        self._shift(now, layer)
        return layer.load.emit

    def edge(self, now: int, started: ActiveLayer | None, claim: bool, change: int) -> None:
        """What the clock edge makes visible.

        Parameters
        ----------
        started : a layer. claim : a tile. change : slots taken less slots freed.
        """
        if started:
            self.layers.append(started)
            self.claiming.append(started)
        if claim:
            self._claim(now)
        self.room_seen = self.room
        self.room = self.slots <= self.most
        self.credit = self.slots <= _CREDIT
        self.slots += change

    def moves(self, now: int) -> bool:
        """Whether it does more than wait in the next cycle."""
        if self.claimed and self.claimed[0] <= now:
            return True
        room, credit = self.slots <= self.most, self.slots <= _CREDIT
        return self.shifted or self.credit != credit or not self.room_seen == self.room == room

    def next_event(self) -> int:
        """The cycle in which a tile can be shifted or a word arrives."""
        loaded = self.claimed[0] if self.claimed else NEVER
        return min(loaded, self.arrivals[0].at if self.arrivals else NEVER)

    def _claim(self, now: int) -> None:
        layer, config = self.claiming[0], self.config
        load = layer.load
        self.claims_left = (self.claims_left or load.tiles * load.pixels) - 1
        if not self.claims_left:
            self.claiming.popleft()
        first = now + self.claim_latency
        self.claimed.append(first)
        beats = load.most_rows(layer.images) * load.tile_words(config) * config.beats
        self.drained = first + beats * config.requantizer_cycles

    def _shift(self, now: int, layer: ActiveLayer) -> None:
        load = layer.load
        row_ends = self.row == load.rows(self.pixel, layer.images) - 1
        tile_ends = row_ends and self.word == load.tile_words(self.config) - 1
        self.row = 0 if row_ends else self.row + 1
        if row_ends:
            self.word = 0 if tile_ends else self.word + 1
        if tile_ends:
            self.claimed.popleft()
            self.tiles_left = (self.tiles_left or load.tiles) - 1
        pixel_ends = tile_ends and not self.tiles_left
        layer_ends = pixel_ends and self.pixel == load.pixels - 1
        if pixel_ends:
            self.pixel = 0 if layer_ends else self.pixel + 1
        if layer_ends:
            self.layers.popleft()
        self.arrivals.append(
            Arrival(
                at=now + self.to_arrival,
                stored=load.store,
                word_end=row_ends,
                to_host=load.emit,
                frame_end=layer.last and layer_ends,
                layer_end=layer_ends,
            )
        )
