"""The scanner: walks the input words of every tile and drops those that add nothing."""

from collections import deque
from collections.abc import Callable, Iterator

from celosia.spec.timing import READ_LATENCY, SEGMENT_DEPTH

from .load import LayerLoad, MapLoad, Step
from .prediction import Prediction

__all__ = ["Scanner"]

#: Segments that may wait for the walker when another word is scanned.
_ROOM = SEGMENT_DEPTH - 2 - READ_LATENCY


class Scanner:
    """Puts segments, steps with bytes to multiply or that end a tile, into ``segments``, for the
    walker.

    ``scan`` are the steps of the address generator, ``offered`` the one that it has registered when
    it walks windows, ``waiting`` the step to be made, of which ``blocked`` was found a cycle ago,
    and ``scanned`` those whose masks are being read.

    Parameters
    ----------
    blocks : whether a step waits that needs so many words of the layer before.
    out : counts ``skipped`` and ``stall_data``.
    windows : whether the engine has convolution.
    """

    def __init__(self, blocks: Callable[[int], bool], out: Prediction, windows: bool = False):
        self.blocks, self.out, self.windows = blocks, out, windows
        self.scan: Iterator[Step] | None = None
        self.offered: Step | None = None
        self.waiting: Step | None = None
        self.blocked, self.room, self.ready = False, False, True
        self.begins: LayerLoad | MapLoad | None = None  # the layer taken in the cycle before
        self.scanned: deque[Step | None] = deque([None] * READ_LATENCY)
        self.segments: deque[Step] = deque()

    def cycle(self, level: int) -> bool:
        """Returns whether all words of all layers had been scanned before.

        ``level`` : segments that waited for the walker.
        """
        done = self.scan is None and self.offered is None and self.waiting is None
        segment = self.scanned.popleft()
        if segment is not None and (segment.needed or segment.ends_tile):
            self.segments.append(segment)
        step = self.waiting is not None and not self.blocked and self.room
        self.scanned.append(self.waiting if step else None)
        self.out.stall_data += self.waiting is not None and self.blocked
        if step:
            self.waiting = None
        self._advance()
        self.blocked = self.waiting is not None and self.blocks(self.waiting.need)
        if self.begins is not None:
            self.scan = self.begins.steps()
        self.room = level <= _ROOM
        return done

    def take(self, layer: LayerLoad | MapLoad | None, done: bool) -> None:
        """The layer that was started in this cycle, if one was; ``done`` : see `cycle`."""
        self.ready = done and self.begins is None and layer is None
        self.begins = layer

    def moves(self) -> bool:
        """Whether it does more than wait in the next cycle."""
        if self.begins is not None or any(self.scanned):
            return True
        if self.windows and self.offered is None and self.scan is not None:
            return True
        room = len(self.segments) <= _ROOM
        if self.waiting is None:
            more = self.scan is not None or self.offered is not None
            return more or not self.ready or self.room != room
        if self.room != room or (room and not self.blocked):
            return True
        return self.blocked != self.blocks(self.waiting.need)

    def _advance(self) -> None:
        """Move steps on; that of a window is registered before it is offered."""
        if self.waiting is None:
            self.waiting, self.offered = self.offered, None
            if not self.windows:
                self.waiting = self._next_step()
        if self.windows and self.offered is None:
            self.offered = self._next_step()

    def _next_step(self) -> Step | None:
        """Advance the address generator by one step."""
        if self.scan is None:
            return None
        step = next(self.scan)
        self.out.skipped += step.dropped
        if step.ends_layer:
            self.scan = None
        return step
