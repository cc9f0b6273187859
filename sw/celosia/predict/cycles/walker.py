"""The walker: one k to the array each cycle."""

from collections import deque

from .load import NEVER
from .prediction import Prediction

__all__ = ["Walker"]


class Walker:
    """Walks the bits of ``segments`` (bytes needed, ends the tile).

    ``bits`` are left of the current segment; the segment after it and a spare one are those of a
    skid buffer.

    Parameters
    ----------
    segments : the scanner's.
    out : counts ``issued`` and ``stall_drain``.
    """

    def __init__(self, segments: deque[tuple[int, bool]], out: Prediction):
        self.segments, self.out = segments, out
        self.bits, self.last = 0, False
        self.following: tuple[int, bool] | None = None
        self.spare: tuple[int, bool] | None = None
        self.ready = True

    def cycle(self, free: bool) -> bool:
        """Returns whether a tile was claimed, which the drain must be ``free`` for."""
        following = self.following
        closes = following is not None and following[0] == 0
        full, final = self.bits > 0, self.bits == 1
        ends = self.last or closes
        last = final and ends
        go = full and (not final or (free if ends else following is not None))
        if go:
            self.out.issued += 1
        elif last:
            self.out.stall_drain += 1
        self.bits -= go
        if closes and full and not self.last:
            self.last, self.following = True, None
        elif not self.bits and following is not None:
            # A tile without a nonzero byte still issues one.
            self.bits, self.last = following[0] or 1, following[1]
            self.following = None
        entering = self.segments.popleft() if self.ready and self.segments else None
        if self.following is None:
            self.following, self.spare = self.spare or entering, None
        else:
            self.spare = self.spare or entering
        self.ready = self.spare is None
        return go and last

    def moves(self) -> bool:
        """Whether it does more in the next cycle than issue a k of its segment or be idle."""
        if self.bits == 1 or (self.segments and self.ready):
            return True
        return self.following is not None and (not self.bits or not self.following[0])

    def next_event(self, now: int) -> int:
        """The cycle in which it issues the last bit of its segment."""
        return now + self.bits - 1 if self.bits else NEVER

    def walk(self, cycles: int) -> None:
        """Issue a k in each of ``cycles``."""
        if self.bits:
            self.bits -= cycles
            self.out.issued += cycles
