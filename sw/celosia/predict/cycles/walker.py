"""The walker: one k to the array each cycle."""

from collections import deque

from .load import NEVER, Step
from .prediction import Prediction

__all__ = ["Walker"]


class Walker:
    """Walks the bits of ``segments``.

    ``bits`` are left of the current segment; the segment after it and a spare one are those of a
    skid buffer. ``ended`` and ``layer_ended`` : the last k of a pixel, and of a layer, was decided
    on in this cycle.

    Parameters
    ----------
    segments : the scanner's.
    out : counts ``issued`` and ``stall_drain``.
    """

    def __init__(self, segments: deque[Step], out: Prediction):
        self.segments, self.out = segments, out
        self.bits, self.last, self.ends_pixel, self.ends_layer = 0, False, False, False
        self.following: Step | None = None
        self.spare: Step | None = None
        self.ready, self.ended, self.layer_ended = True, False, False

    def cycle(self, free: bool, origins_ready: bool = True) -> bool:
        """Returns whether a tile was claimed, which the drain must be ``free`` for.

        ``origins_ready`` : in the next cycle the origins of the pixel are there.
        """
        following = self.following
        closing = following if following is not None and following.needed == 0 else None
        full, final = self.bits > 0, self.bits == 1
        ends = self.last or closing is not None
        last = final and ends
        may = free if ends else following is not None
        go = full and origins_ready and (not final or may)
        if go:
            self.out.issued += 1
        elif last and not free:
            self.out.stall_drain += 1
        if closing is not None and full and not self.last:
            self.last, self.ends_pixel, self.following = True, closing.ends_pixel, None
            self.ends_layer = closing.ends_layer
            following = None
        self.ended = go and last and self.ends_pixel
        self.layer_ended = go and last and self.ends_layer
        self.bits -= go
        if not self.bits and following is not None:
            # A tile without a nonzero byte still issues one.
            self.bits, self.last = following.needed or 1, following.ends_tile
            self.ends_pixel, self.ends_layer = following.ends_pixel, following.ends_layer
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
        return self.following is not None and (not self.bits or not self.following.needed)

    def next_event(self, now: int) -> int:
        """The cycle in which it issues the last bit of its segment."""
        return now + self.bits - 1 if self.bits else NEVER

    def walk(self, cycles: int) -> None:
        """Issue a k in each of ``cycles``."""
        if self.bits:
            self.bits -= cycles
            self.out.issued += cycles
