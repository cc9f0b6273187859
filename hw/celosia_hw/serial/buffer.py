"""Buffer of received packets: bytes in, link words out once their packet has been checked."""

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

#: Header of a packet in the buffer: its number of words (not 0), and whether they end a frame.
SIZE = data.StructLayout({"words": 7, "last": 1})


class PacketBuffer(wiring.Component):
    """FIFO of `RECEIVE_DEPTH` bytes from which the newest packet can be discarded.

    ``store`` appends ``data``: for each packet first its `SIZE`, with ``first``, then its words.
    A byte without room is not stored, and ``refused`` is 1 in the cycle of its ``store``. ``end``
    ends the packet: with ``commit`` its words go to ``o``, without it all its bytes are discarded.
    ``clear`` empties the buffer and drops the word at ``o``; it has priority over everything else.

    Throughput at ``o``: one word every ``4 * link_bytes`` cycles, approximately.

    Members
    -------
    data : In(8)
    first : In(1), ``data`` is a `SIZE`; held from two cycles before ``store``.
    store : In(1), append ``data``; not in the two cycles after another ``store``, ``end`` or
        ``clear``.
    end : In(1), the packet is complete.
    commit : In(1), with ``end``: the packet is good.
    clear : In(1)
    o : Out(stream of `link_word`)
    refused : Out(1), there was no room for the byte of this ``store``.
    full : Out(1), half of the buffer or more is in use, and the longest packet may not fit.
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
        # Next byte to read, end of the committed packets, end of the packet being received.
        head = Signal(range(RECEIVE_DEPTH))
        committed = Signal(range(RECEIVE_DEPTH))
        tail = Signal(range(RECEIVE_DEPTH))
        # Comparisons are registered, and valid in the cycle after the pointers are, because `head`
        # may move in any cycle.
        nonempty = Signal()  # committed bytes are left to read
        pointers_meet = Signal()
        no_room = Signal()
        m.d.sync += [
            nonempty.eq(head != committed),
            pointers_meet.eq(tail == head),
            # Behind a stored `SIZE`, equal pointers cannot mean an empty buffer.
            no_room.eq(pointers_meet & (nonempty | ~self.first)),
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
        self._deliver(m, memory, head, nonempty)
        with m.If(self.clear):
            m.d.sync += [head.eq(0), committed.eq(0), tail.eq(0)]
        return m

    def _deliver(self, m, memory, head, nonempty):
        """Assemble the bytes of committed packets into words at `o`."""
        size = data.View(SIZE, memory.data)
        byte_bits = exact_log2(self.config.link_bytes)
        left = Signal(len(size.words) + byte_bits)  # bytes of the packet that are still to read
        in_packet = Signal()  # the next byte is part of a word, not a `SIZE`
        last = Signal()  # the packet ends a frame
        advance = Signal()  # use `memory.data`, and go on to the next byte
        pause = Signal(range(READ_LATENCY + 1))  # cycles until `memory.data` is that of `head`
        # Like `nonempty` these are valid when the pause is over.
        ends_word = Signal()  # the next byte is the last one of its word
        ends_packet = Signal()  # the next byte is the last one of the packet
        m.d.comb += memory.addr.eq(head)
        m.d.sync += [
            ends_word.eq((left - 1)[:byte_bits] == 0),
            ends_packet.eq(left == 1),
            advance.eq((pause == 0) & nonempty & ~self.o.valid & ~advance),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(pause != 0):
            m.d.sync += pause.eq(pause - 1)
        with m.If(advance):
            m.d.sync += [head.eq(head + 1), pause.eq(READ_LATENCY)]
            with m.If(in_packet):
                m.d.sync += [
                    self.o.payload.data.eq(Cat(self.o.payload.data, memory.data)[8:]),
                    self.o.payload.last.eq(last & ends_packet),
                    self.o.valid.eq(ends_word),
                    left.eq(left - 1),
                    in_packet.eq(~ends_packet),
                ]
            with m.Else():
                m.d.sync += [
                    left.eq(size.words << byte_bits),
                    last.eq(size.last),
                    in_packet.eq(1),
                ]
        with m.If(self.clear):
            m.d.sync += [nonempty.eq(0), advance.eq(0), in_packet.eq(0), self.o.valid.eq(0)]
