"""Packet receiver: serial bytes to link words, and what the transmitter has to know of them."""

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import exact_log2

from celosia.spec import Config
from celosia.spec.serial import CRC_BYTES, ESCAPE, ESCAPE_XOR, FLAG, NO_SESSION, PACKET, Kind
from celosia_hw.layouts import link_word, struct

from .buffer import SIZE, PacketBuffer
from .crc import SerialCrc

__all__ = ["PacketReceiver", "Part", "link_state"]


class Part(enum.Enum, shape=2):
    """Where in a packet a byte stands."""

    HEADER = 0
    WORDS = 1
    CRC = 2
    #: Behind them: nothing but a flag may follow.
    END = 3


def link_state() -> data.StructLayout:
    """What every packet of the device says of the other direction."""
    return data.StructLayout({"session": 8, "expected": 4, "full": 1})


class PacketReceiver(wiring.Component):
    """Takes packets apart, and lets through, once and in order, what belongs to the session.

    Words of a packet go to a `PacketBuffer` as they come, and are only committed there by the flag
    that ends a good packet: its CRC matches, its length is what it says, its session is this one
    and its number the expected one. So nothing reaches ``o`` that was not checked.

    Two cycles after ``valid`` of the flag that ends a packet, when the packet asks for an answer,
    ``reply`` is 1 for one cycle; ``resend`` with it when the packet was damaged or found no room;
    ``acked`` with it for each good packet of the session, numbered or not. A good HELLO raises
    ``hello`` in that cycle, which sets the session, empties the buffer, and expects number 0 next.

    It never holds the line: a packet without room is refused as a whole. In reset there is no
    session, the buffer is empty, and the line is taken to be between packets.

    Members
    -------
    data, valid, error : In, from `UartReceiver`; at least 16 cycles apart, and ``data`` stays
        for one cycle after ``valid``.
    o : Out(stream of `link_word`), that of `PacketBuffer`.
    state : Out(`link_state`)
    reply, resend, hello, acked : Out(1); ack : Out(4), the packet that the host expects.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "error": In(1),
                "o": Out(stream.Signature(link_word(config))),
                "state": Out(link_state(), init={"session": NO_SESSION}),
                "reply": Out(1),
                "resend": Out(1),
                "hello": Out(1),
                "acked": Out(1),
                "ack": Out(4),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = SerialCrc()
        m.submodules.buffer = buffer = PacketBuffer(self.config)
        connect(m, buffer.o, flipped(self.o))
        header = Signal(struct(PACKET))
        bad = Signal()  # the packet cannot become good any more
        flag = self._unescape(m, crc)
        part, place = self._take_apart(m, crc, header, bad, flag)

        # Comparisons have registers of their own, which have settled long before the next byte.
        ours, wanted, good, begun = Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            ours.eq(header.session == self.state.session),
            wanted.eq(
                (header.kind == Kind.DATA)
                & ours
                & (header.number == self.state.expected)
                & (header.words != 0)
            ),
            good.eq((part == Part.END) & crc.match & ~bad),
            # Flags may stand next to each other: between them is no packet.
            begun.eq(bad | (part != Part.HEADER) | (place != 0)),
        ]
        self._store(m, crc, buffer, part, place, wanted)
        with m.If(self.error | buffer.refused):
            m.d.sync += bad.eq(1)

        damaged = begun & ~good
        is_hello, is_data = header.kind == Kind.HELLO, header.kind == Kind.DATA
        m.d.sync += [
            self.reply.eq(flag & (damaged | (good & (is_hello | is_data)))),
            self.resend.eq(flag & damaged),
            self.hello.eq(flag & good & is_hello),
            self.acked.eq(flag & good & is_data & ours),
            buffer.end.eq(flag),
            buffer.commit.eq(good & wanted),
        ]
        m.d.comb += [
            buffer.clear.eq(self.hello),
            self.ack.eq(header.ack),
            self.state.full.eq(buffer.full),
        ]
        with m.If(self.hello):
            m.d.sync += [self.state.session.eq(header.session), self.state.expected.eq(0)]
        with m.Elif(buffer.end & buffer.commit):
            m.d.sync += self.state.expected.eq(self.state.expected + 1)
        return m

    def _unescape(self, m, crc):
        """Bytes without their escapes to the CRC; whether one is a flag instead."""
        valid, is_flag, is_escape, escaped, flag = (Signal() for _ in range(5))
        m.d.sync += [
            valid.eq(self.valid),
            is_flag.eq(self.data == FLAG),
            is_escape.eq(self.data == ESCAPE),
        ]
        with m.If(valid):
            m.d.sync += escaped.eq(is_escape)
        m.d.comb += [
            flag.eq(valid & is_flag),
            crc.start.eq(flag),
            crc.data.eq(self.data ^ Mux(escaped, ESCAPE_XOR, 0)),
            crc.valid.eq(valid & ~is_flag & ~is_escape),
        ]
        return flag

    def _take_apart(self, m, crc, header, bad, flag):
        """Header; part of the packet that the next byte is in, and its place there."""
        part = Signal(Part)
        place = Signal(range(PACKET.size))  # 0 before and in the words
        assert PACKET.size == CRC_BYTES
        words = data.View(SIZE, crc.byte).words
        lanes = exact_log2(self.config.link_bytes)
        left = Signal(len(words) + lanes)  # bytes of words
        ends = Signal()
        m.d.sync += ends.eq(left == 1)
        m.d.comb += crc.closing.eq(part == Part.CRC)
        with m.If(crc.done):
            with m.Switch(part):
                with m.Case(Part.HEADER):
                    m.d.sync += [place.eq(place + 1), header.eq(Cat(header, crc.byte)[8:])]
                    m.d.sync += left.eq(words << lanes)
                    with m.If(place == PACKET.size - 1):
                        m.d.sync += part.eq(Mux(words == 0, Part.CRC, Part.WORDS))
                with m.Case(Part.WORDS):
                    m.d.sync += left.eq(left - 1)
                    with m.If(ends):
                        m.d.sync += part.eq(Part.CRC)
                with m.Case(Part.CRC):
                    m.d.sync += place.eq(place + 1)
                    with m.If(place == CRC_BYTES - 1):
                        m.d.sync += part.eq(Part.END)
                with m.Case(Part.END):
                    m.d.sync += bad.eq(1)
        with m.If(flag):
            m.d.sync += [part.eq(Part.HEADER), place.eq(0), bad.eq(0)]
        return part, place

    def _store(self, m, crc, buffer, part, place, wanted):
        """Size and words to the buffer, when ``wanted`` is about the header they belong to."""
        size = (part == Part.HEADER) & (place == PACKET.size - 1)
        kept, delay = Signal(), Signal(3)
        m.d.sync += delay.eq(Cat(crc.done, delay))
        with m.If(crc.done):
            m.d.sync += [buffer.first.eq(size), kept.eq(size | (part == Part.WORDS))]
        m.d.comb += [buffer.data.eq(crc.byte), buffer.store.eq(delay[-1] & kept & wanted)]
