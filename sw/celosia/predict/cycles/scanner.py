"""The scanner: walks the input words of every tile and drops those that add nothing."""

from collections import deque
from collections.abc import Callable

from celosia.spec.timing import READ_LATENCY, SEGMENT_DEPTH

from .load import LayerLoad
from .prediction import Prediction

__all__ = ["Scanner"]

#: Segments that may wait for the walker when another word is scanned.
_ROOM = SEGMENT_DEPTH - 2 - READ_LATENCY


class Scanner:
    """Puts segments (bytes needed, ends the tile) into ``segments``, for the walker.

    ``scan`` is the layer of the address generator and ``word`` its next word; ``waiting`` the
    word to be scanned, of which ``blocked`` was found a cycle ago, and ``scanned`` those whose
    masks are being read.

    Parameters
    ----------
    blocks : whether a step waits that needs so many words of the layer before.
    out : counts ``skipped`` and ``stall_data``.
    """

    def __init__(self, blocks: Callable[[int], bool], out: Prediction):
        self.blocks, self.out = blocks, out
        self.scan: LayerLoad | None = None
        self.word = self.tile = 0
        self.waiting: tuple[int, int, bool] | None = None  # need and segment
        self.blocked, self.room, self.ready = False, False, True
        self.begins: LayerLoad | None = None  # the layer taken in the cycle before
        self.scanned: deque[tuple[int, bool] | None] = deque([None] * READ_LATENCY)
        self.segments: deque[tuple[int, bool]] = deque()

    def cycle(self, level: int) -> bool:
        """Returns whether all words of all layers had been scanned before.

        ``level`` : segments that waited for the walker.
        """
        done = self.scan is None and self.waiting is None
        segment = self.scanned.popleft()
        if segment is not None and (segment[0] or segment[1]):
            self.segments.append(segment)
        step = self.waiting is not None and not self.blocked and self.room
        self.scanned.append(self.waiting[1:] if self.waiting and step else None)
        self.out.stall_data += self.waiting is not None and self.blocked
        if step:
            self.waiting = None
        if self.waiting is None:
            self.waiting = self._next_word()
        self.blocked = self.waiting is not None and self.blocks(self.waiting[0])
        if self.begins is not None:
            self.scan, self.word, self.tile = self.begins, 0, 0
        self.room = level <= _ROOM
        return done

    def take(self, layer: LayerLoad | None, done: bool) -> None:
        """The layer that was started in this cycle, if one was; ``done`` : see `cycle`."""
        self.ready = done and self.begins is None and layer is None
        self.begins = layer

    def moves(self) -> bool:
        """Whether it does more than wait in the next cycle."""
        if self.begins is not None or any(self.scanned):
            return True
        room = len(self.segments) <= _ROOM
        if self.waiting is None:
            return self.scan is not None or not self.ready or self.room != room
        if self.room != room or (room and not self.blocked):
            return True
        return self.blocked != self.blocks(self.waiting[0])

    def _next_word(self) -> tuple[int, int, bool] | None:
        """Advance the address generator by one word."""
        layer = self.scan
        if layer is None:
            return None
        need = 0 if layer.lead is None else layer.lead + self.word
        needed = layer.needed[self.word]
        self.word += 1
        ends_tile = self.word == len(layer.needed)
        if ends_tile:
            self.out.skipped += layer.bytes_in - sum(layer.needed)
            self.word = 0
            self.tile += 1
            if self.tile == layer.tiles:
                self.scan = None
        return need, needed, ends_tile
