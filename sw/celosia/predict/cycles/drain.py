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
#: Slots that may be taken while a tile is claimed ahead.
_ROOM = _CREDIT - CLAIM_LATENCY


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

    Each of the tiles ``claimed`` can be shifted from the cycle given there on. All of them will
    have been before cycle ``drained``, which is later by each cycle that the host makes them wait.
    ``claiming`` are the layers with tiles to be claimed, ``claims_left`` of the first one.
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
        self.row_cycles = config.params_per_tile * config.requantizer_cycles
        self.layers: deque[ActiveLayer] = deque()
        self.claiming: deque[ActiveLayer] = deque()
        self.tiles_left = self.claims_left = 0
        self.claimed: deque[int] = deque()
        self.drained = 0
        self.beat = self.row = self.word = self.next_beat = 0
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
        return ahead <= 0 or (ahead <= CLAIM_LATENCY and self.room_seen)

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
        self.room = self.slots <= _ROOM
        self.credit = self.slots <= _CREDIT
        self.slots += change

    def moves(self, now: int) -> bool:
        """Whether it does more than wait in the next cycle."""
        if self.claimed and self.claimed[0] <= now:
            return True
        room, credit = self.slots <= _ROOM, self.slots <= _CREDIT
        return self.shifted or self.credit != credit or not self.room_seen == self.room == room

    def next_event(self) -> int:
        """The cycle in which a tile can be shifted or a word arrives."""
        loaded = self.claimed[0] if self.claimed else NEVER
        return min(loaded, self.arrivals[0].at if self.arrivals else NEVER)

    def _claim(self, now: int) -> None:
        layer = self.claiming[0]
        self.claims_left = (self.claims_left or layer.load.tiles) - 1
        if not self.claims_left:
            self.claiming.popleft()
        first = now + CLAIM_LATENCY
        self.claimed.append(first)
        self.drained = first + layer.images * self.row_cycles

    def _shift(self, now: int, layer: ActiveLayer) -> None:
        row_ends = self.row == layer.images - 1
        tile_ends = row_ends and self.word == self.config.words_per_tile - 1
        self.row = 0 if row_ends else self.row + 1
        if row_ends:
            self.word = 0 if tile_ends else self.word + 1
        if tile_ends:
            self.claimed.popleft()
            self.tiles_left = (self.tiles_left or layer.load.tiles) - 1
        layer_ends = tile_ends and not self.tiles_left
        if layer_ends:
            self.layers.popleft()
        self.arrivals.append(
            Arrival(
                at=now + self.to_arrival,
                stored=layer.load.store,
                word_end=row_ends,
                to_host=layer.load.emit,
                frame_end=layer.last and layer_ends,
                layer_end=layer_ends,
            )
        )
