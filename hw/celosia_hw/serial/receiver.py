"""Packet receiver: serial bytes to link words, and the state that the transmitter sends back."""

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
    """Part of a packet that a byte belongs to."""

    HEADER = 0
    WORDS = 1
    CRC = 2
    #: After the CRC: only a flag may follow.
    END = 3


def link_state() -> data.StructLayout:
    """Receiver state that every packet of the device reports to the host.

    ``session`` of the last HELLO, ``expected`` number of the next packet, ``full`` as in
    `PacketBuffer`.
    """
    return data.StructLayout({"session": 8, "expected": 4, "full": 1})


class PacketReceiver(wiring.Component):
    """Checks packets, and passes on the words of the session's packets, each once and in order.

    Words are stored in a `PacketBuffer` as they arrive and committed by the flag that ends a good
    packet: its CRC matches, its length is the one in its header, its session is the current one and
    its number the expected one. So only checked words reach ``o``.

    Two cycles after ``valid`` of the flag that ends a packet, ``reply`` is 1 for one cycle if the
    packet asks for an answer; with it ``resend`` if the packet was damaged or found no room, and
    ``acked`` if it is a good DATA packet of the session, with or without words. A good HELLO raises
    ``hello`` in that cycle, which sets the session, empties the buffer, and sets the expected
    number to 0.

    There is no back-pressure towards the line: a packet that finds no room is refused as a whole.
    After a reset there is no session, the buffer is empty, and the next byte begins a packet.

    Members
    -------
    data, valid, error : In, from `UartReceiver`; at least 16 cycles apart. ``data`` is held for one
        cycle after ``valid``.
    o : Out(stream of `link_word`), that of `PacketBuffer`.
    state : Out(`link_state`)
    reply : Out(1), answer the packet.
    resend : Out(1), with ``reply``: ask for a repetition.
    hello : Out(1), with ``reply``: a session begins.
    acked : Out(1), with ``reply``: ``ack`` is that of a good packet.
    ack : Out(4), number of the packet that the host expects.
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
        invalid = Signal()  # whatever follows, this packet is damaged
        flag = self._unescape(m, crc)
        part, position = self._parse(m, crc, header, invalid, flag)

        # Comparisons are registered; they are valid long before the next byte.
        session_matches = Signal()
        in_order = Signal()  # the header is that of the packet to store
        good = Signal()  # the packet is complete and its CRC matches
        begun = Signal()  # there was a byte since the last flag: two flags may be adjacent
        m.d.sync += [
            session_matches.eq(header.session == self.state.session),
            in_order.eq(
                (header.kind == Kind.DATA)
                & session_matches
                & (header.number == self.state.expected)
                & (header.words != 0)
            ),
            good.eq((part == Part.END) & crc.match & ~invalid),
            begun.eq(invalid | (part != Part.HEADER) | (position != 0)),
        ]
        self._store(m, crc, buffer, part, position, in_order)
        with m.If(self.error | buffer.refused):
            m.d.sync += invalid.eq(1)

        damaged = begun & ~good
        is_hello = header.kind == Kind.HELLO
        is_data = header.kind == Kind.DATA
        m.d.sync += [
            self.reply.eq(flag & (damaged | (good & (is_hello | is_data)))),
            self.resend.eq(flag & damaged),
            self.hello.eq(flag & good & is_hello),
            self.acked.eq(flag & good & is_data & session_matches),
            buffer.end.eq(flag),
            buffer.commit.eq(good & in_order),
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
        """Hand bytes without their escapes to ``crc``; returns 1 in the cycle of a flag."""
        # A cycle after `self.valid`, while `self.data` is held.
        valid = Signal()
        is_flag = Signal()
        is_escape = Signal()
        escaped = Signal()  # the byte before was `ESCAPE`
        flag = Signal()
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

    def _parse(self, m, crc, header, invalid, flag):
        """Fill ``header``; returns the part of the next byte, and its position in that part."""
        part = Signal(Part)
        position = Signal(range(PACKET.size))  # 0 before and in the words
        assert PACKET.size == CRC_BYTES
        words = data.View(SIZE, crc.byte).words
        byte_bits = exact_log2(self.config.link_bytes)
        left = Signal(len(words) + byte_bits)  # bytes of words that are still to come
        last_byte = Signal()  # the next byte is the last one of the words
        m.d.sync += last_byte.eq(left == 1)
        m.d.comb += crc.closing.eq(part == Part.CRC)
        with m.If(crc.done):
            with m.Switch(part):
                with m.Case(Part.HEADER):
                    m.d.sync += [position.eq(position + 1), header.eq(Cat(header, crc.byte)[8:])]
                    m.d.sync += left.eq(words << byte_bits)
                    with m.If(position == PACKET.size - 1):
                        m.d.sync += part.eq(Mux(words == 0, Part.CRC, Part.WORDS))
                with m.Case(Part.WORDS):
                    m.d.sync += left.eq(left - 1)
                    with m.If(last_byte):
                        m.d.sync += part.eq(Part.CRC)
                with m.Case(Part.CRC):
                    m.d.sync += position.eq(position + 1)
                    with m.If(position == CRC_BYTES - 1):
                        m.d.sync += part.eq(Part.END)
                with m.Case(Part.END):
                    m.d.sync += invalid.eq(1)
        with m.If(flag):
            m.d.sync += [part.eq(Part.HEADER), position.eq(0), invalid.eq(0)]
        return part, position

    def _store(self, m, crc, buffer, part, position, in_order):
        """Store size and words in the buffer, when ``in_order`` is about the header before them."""
        is_size = (part == Part.HEADER) & (position == PACKET.size - 1)
        stored = Signal()  # the byte is one that the buffer takes
        done_delayed = Signal(3)
        m.d.sync += done_delayed.eq(Cat(crc.done, done_delayed))
        with m.If(crc.done):
            m.d.sync += [buffer.first.eq(is_size), stored.eq(is_size | (part == Part.WORDS))]
        m.d.comb += [
            buffer.data.eq(crc.byte),
            buffer.store.eq(done_delayed[-1] & stored & in_order),
        ]
