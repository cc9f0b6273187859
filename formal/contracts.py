"""What every stream and every queue has to keep."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

__all__ = ["Past", "Tracked", "stream_rules"]


class Past:
    """Values of the cycle before; ``known`` is 0 in the first cycle."""

    def __init__(self, m: Module):
        self._m = m
        self.known = Signal(name="past_known")
        m.d.sync += self.known.eq(1)

    def __call__(self, value) -> Signal:
        value = Value.cast(value)
        before = Signal(value.shape(), name="past")
        self._m.d.sync += before.eq(value)
        return before


def stream_rules(m: Module, past: Past, stream, check=Assert) -> None:
    """``valid`` is held, and the payload with it, until ``ready``.

    ``check`` : `Assert` of a stream that the block drives, `Assume` of one that it reads.
    """
    payload = Value.cast(stream.payload)
    stalled = past(stream.valid & ~stream.ready)
    m.d.comb += check(~stalled | (stream.valid & (payload == past(payload))))


class Tracked:
    """In order, nothing lost, nothing doubled: one entry, any one, is followed through a queue.

    ``push`` and ``pop`` are 1 in the cycle of an entry's transfer. The entry that is followed is
    chosen freely. It must leave after exactly those that were ahead of it, with its value, and
    nothing may leave that has not entered.

    Attributes
    ----------
    level : entries that are in the queue, up to ``depth``.
    follows : 1 while the entry is in the queue.
    ahead : entries that leave before it.
    value : of the entry.
    """

    def __init__(self, m: Module, *, push, pop, entering, leaving, depth: int):
        entering, leaving = Value.cast(entering), Value.cast(leaving)
        self.level = Signal(range(depth + 2), name="tracked_level")
        self.follows, self.ahead = Signal(name="tracked"), Signal(range(depth + 1))
        self.value = Signal(len(entering), name="tracked_value")
        seen = Signal()  # one entry is followed, not a second one
        m.d.sync += self.level.eq(self.level + push - pop)
        m.d.comb += [Assert(~pop | (self.level != 0)), Assert(self.level <= depth)]
        with m.If(push & ~seen & AnySeq(1)):
            m.d.sync += [seen.eq(1), self.follows.eq(1)]
            m.d.sync += [self.ahead.eq(self.level - pop), self.value.eq(entering)]
        with m.If(self.follows & pop):
            m.d.sync += self.ahead.eq(self.ahead - 1)
            with m.If(self.ahead == 0):
                m.d.comb += Assert(leaving == self.value)
                m.d.sync += [self.follows.eq(0), self.ahead.eq(0)]
        m.d.comb += Assert(~self.follows | (seen & (self.ahead < self.level)))
