"""Buffer of received packets: bytes in, link words out once their packet has proven to be good."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from celosia.spec import Config
from celosia.spec.serial import RECEIVE_DEPTH
from celosia.spec.timing import READ_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import link_word

__all__ = ["SIZE", "PacketBuffer"]

#: What stands before the words of a packet: how many (not 0), and whether they end a frame.
SIZE = data.StructLayout({"words": 7, "last": 1})


class PacketBuffer(wiring.Component):
    """`RECEIVE_DEPTH` bytes, first in, first out, of which the last packet can be taken back.

    ``store`` appends ``data``: for each packet its `SIZE`, with ``first``, then its words. When
    there is no room, it does nothing but set ``refused`` in its cycle. ``end`` ends the packet:
    with ``commit`` it goes to ``o``, without it was never there. ``clear`` empties the buffer and
    drops the word at ``o``; it wins over all else.

    ``o`` gives a word about ``4 * link_bytes`` cycles after the one before.

    Members
    -------
    data : In(8); first : In(1), held from two cycles before ``store``; store : In(1), not in
        the two cycles after another, ``end`` or ``clear``.
    end, commit, clear : In(1)
    o : Out(stream of `link_word`)
    refused : Out(1); full : Out(1), half of the buffer is taken: the longest packet may not fit.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "data": In(8),
                "first": In(1),
                "store": In(1),
                "end": In(1),
                "commit": In(1),
                "clear": In(1),
                "o": Out(stream.Signature(link_word(config))),
                "refused": Out(1),
                "full": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = cells_of(platform).DualPortMemory(8, RECEIVE_DEPTH)
        # Committed from `head` on, then the packet being received, up to `tail`.
        head, committed, tail = (Signal(range(RECEIVE_DEPTH)) for _ in range(3))
        # Comparisons have registers of their own; of the same cycle, as `head` moves any time.
        waiting, meets, no_room = Signal(), Signal(), Signal()
        m.d.sync += [
            waiting.eq(head != committed),
            meets.eq(tail == head),
            # Behind a size that was stored, equal pointers cannot mean that all is empty.
            no_room.eq(meets & (waiting | ~self.first)),
            self.full.eq((committed - head)[len(head) - 1]),
        ]
        m.d.comb += [
            memory.write_addr.eq(tail),
            memory.write_data.eq(self.data),
            memory.write_en.eq(self.store & ~no_room),
            self.refused.eq(self.store & no_room),
        ]
        with m.If(memory.write_en):
            m.d.sync += tail.eq(tail + 1)
        with m.If(self.end & self.commit):
            m.d.sync += committed.eq(tail)
        with m.Elif(self.end):
            m.d.sync += tail.eq(committed)
        self._deliver(m, memory, head, waiting)
        with m.If(self.clear):
            m.d.sync += [head.eq(0), committed.eq(0), tail.eq(0)]
        return m

    def _deliver(self, m, memory, head, waiting):
        """Committed packets to words."""
        size = data.View(SIZE, memory.data)
        lanes = exact_log2(self.config.link_bytes)
        left = Signal(len(size.words) + lanes)  # bytes of the packet's words
        inside, last = Signal(), Signal()
        step = Signal()  # on to the next byte
        pause = Signal(range(READ_LATENCY + 1))  # cycles until `memory.data` is that of `head`
        # Like `waiting` they have settled when the pause is over.
        ends_word, ends = Signal(), Signal()
        m.d.comb += memory.addr.eq(head)
        m.d.sync += [
            ends_word.eq((left - 1)[:lanes] == 0),
            ends.eq(left == 1),
            step.eq((pause == 0) & waiting & ~self.o.valid & ~step),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(pause != 0):
            m.d.sync += pause.eq(pause - 1)
        with m.If(step):
            m.d.sync += [head.eq(head + 1), pause.eq(READ_LATENCY)]
            with m.If(inside):
                m.d.sync += [
                    self.o.payload.data.eq(Cat(self.o.payload.data, memory.data)[8:]),
                    self.o.payload.last.eq(last & ends),
                    self.o.valid.eq(ends_word),
                    left.eq(left - 1),
                    inside.eq(~ends),
                ]
            with m.Else():
                m.d.sync += [left.eq(size.words << lanes), last.eq(size.last), inside.eq(1)]
        with m.If(self.clear):
            m.d.sync += [waiting.eq(0), step.eq(0), inside.eq(0), self.o.valid.eq(0)]
