"""Packet transmitter: answers to the host's packets, with link words in them."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from celosia.spec import Config
from celosia.spec.serial import (
    CRC_BYTES,
    ESCAPE,
    ESCAPE_XOR,
    FLAG,
    MAX_DATA,
    PACKET,
    SERIAL_VERSION,
    WELCOME,
    Kind,
    max_words,
)
from celosia.spec.timing import READ_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import link_word, struct

from .crc import SerialCrc
from .receiver import Part, link_state

__all__ = ["PacketTransmitter"]


class PacketTransmitter(wiring.Component):
    """Sends one packet for each ``reply``; all that arrive while it sends share one packet.

    Between packets, link words from ``i`` are collected in a buffer of one packet, one word every
    ``link_bytes + 1`` cycles, until a frame ends or the buffer is full. After the first word has
    been stored, the next reply *seals* the buffer, after its opening flag: from then on every reply
    carries the same words under the same number, and ``i`` is not ready, until the host expects the
    next number (``acked``, ``ack``) and no packet is being sent.

    From the cycle after ``hello`` on ``i`` is not ready either, until a WELCOME has been sent. That
    follows the packet being sent, if there is one; before it the buffer is emptied and the number
    set to 0. A byte at ``o`` is valid until it is accepted, and the next one 14 cycles later. After
    a reset the buffer is empty and the transmitter idle.

    Members
    -------
    i : In(stream of `link_word`)
    o : Out(stream of 8 bits), for `UartTransmitter`.
    state : In(`link_state`)
    reply, resend, hello, acked : In(1), from `PacketReceiver`.
    ack : In(4), likewise.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "o": Out(stream.Signature(8)),
                "state": In(link_state()),
                "reply": In(1),
                "resend": In(1),
                "hello": In(1),
                "acked": In(1),
                "ack": In(4),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = buffer = cells_of(platform).DualPortMemory(8, MAX_DATA)

        # Requests that the next packet answers.
        reply_pending = Signal()
        resend_pending = Signal()
        welcome_pending = Signal()
        # What the packet being sent is, from its beginning on.
        is_resend = Signal()
        is_welcome = Signal()
        idle = Signal()  # no packet is being sent
        start = idle & reply_pending
        with m.If(start):
            m.d.sync += [is_resend.eq(resend_pending), is_welcome.eq(welcome_pending)]
        m.d.sync += [
            reply_pending.eq(self.reply | (reply_pending & ~start)),
            resend_pending.eq(self.resend | (resend_pending & ~start)),
            welcome_pending.eq(self.hello | (welcome_pending & ~start)),
        ]

        header = Signal(struct(PACKET))
        m.d.comb += [
            header.kind.eq(Mux(is_welcome, Kind.WELCOME, Kind.REPLY)),
            header.full.eq(self.state.full),
            header.resend.eq(is_resend),
            header.session.eq(self.state.session),
            header.ack.eq(self.state.expected),
        ]
        seal = Signal()
        accepting = self._collect(m, buffer, header, idle, welcome_pending, seal)
        m.submodules.crc = crc = SerialCrc()
        part = self._bytes(m, crc, buffer, header, is_welcome)
        self._send(m, crc, part, idle, reply_pending, accepting, seal)
        return m

    def _collect(self, m, buffer, header, idle, welcome_pending, seal):
        """Store words in the buffer and count them in ``header``; returns whether more may come."""
        byte_bits = exact_log2(self.config.link_bytes)
        number = Signal(4)
        level = Signal(range(MAX_DATA + 1))  # bytes in the buffer
        byte = level[:byte_bits]
        words = level[byte_bits:]
        nonempty = Signal()  # there is a word in the buffer
        frame_ended = Signal()  # its last word ended a frame
        sealed = Signal()  # its words have been sent, and are kept until they are acknowledged
        acknowledged = Signal()  # they are
        accepting = Signal()  # another word may be stored
        word_stored = Signal()  # all bytes of the word at `i` are in the buffer
        m.d.comb += [
            header.number.eq(number),
            header.words.eq(words),
            header.last.eq(frame_ended),
            buffer.write_addr.eq(level),
            buffer.write_data.eq(self.i.payload.data.word_select(byte, 8)),
            buffer.write_en.eq(self.i.valid & accepting & ~word_stored),
            self.i.ready.eq(word_stored),
        ]
        m.d.sync += word_stored.eq(buffer.write_en & (byte == self.config.link_bytes - 1))
        with m.If(buffer.write_en):
            m.d.sync += level.eq(level + 1)
        with m.If(word_stored):
            m.d.sync += [nonempty.eq(1), frame_ended.eq(self.i.payload.last)]
            with m.If(self.i.payload.last | (words == max_words(self.config.link_bytes))):
                m.d.sync += accepting.eq(0)
        with m.If(seal):
            m.d.sync += [sealed.eq(nonempty), accepting.eq(0)]

        with m.If(self.acked & sealed & (self.ack == (number + 1)[: len(number)])):
            m.d.sync += acknowledged.eq(1)
        with m.If(idle):
            with m.If(welcome_pending | acknowledged):
                m.d.sync += [
                    level.eq(0),
                    nonempty.eq(0),
                    frame_ended.eq(0),
                    sealed.eq(0),
                    acknowledged.eq(0),
                    number.eq(number + 1),
                ]
            with m.If(welcome_pending):
                m.d.sync += number.eq(0)
            # A pending WELCOME is sent before more words are stored.
            with m.Elif(acknowledged | ~nonempty):
                m.d.sync += accepting.eq(1)
        with m.If(self.hello):
            m.d.sync += [accepting.eq(0), word_stored.eq(0)]
        return accepting

    def _bytes(self, m, crc, buffer, header, is_welcome):
        """Hand the packet's bytes to ``crc`` one by one; returns the part of the next byte."""
        byte_bits = exact_log2(self.config.link_bytes)
        part = Signal(Part)
        position = Signal(range(MAX_DATA))  # of the next byte in its part
        part_done = Signal()  # `position` is the length of the part
        assert PACKET.size == CRC_BYTES
        length = Mux(part == Part.WORDS, header.words << byte_bits, CRC_BYTES)
        m.d.sync += part_done.eq(position == length)
        with m.If(crc.valid):
            m.d.sync += position.eq(position + 1)
        with m.If(crc.done & part_done):
            m.d.sync += position.eq(0)
            with m.Switch(part):
                with m.Case(Part.HEADER):
                    m.d.sync += part.eq(Mux(header.words == 0, Part.CRC, Part.WORDS))
                with m.Case(Part.WORDS):
                    m.d.sync += part.eq(Part.CRC)
                with m.Case(Part.CRC):
                    m.d.sync += part.eq(Part.END)

        welcome = struct(WELCOME).const(
            {
                "kind": Kind.WELCOME,
                "version": SERIAL_VERSION,
                "link_bytes": self.config.link_bytes,
            }
        )
        # Both have kind and session in their first two bytes, which come from `header`.
        welcome_byte = welcome.as_value().word_select(position[:2], 8)
        header_byte = header.as_value().word_select(position[:2], 8)
        m.d.comb += [buffer.addr.eq(position), crc.closing.eq(part == Part.CRC)]
        with m.Switch(part):
            with m.Case(Part.HEADER):
                m.d.sync += crc.data.eq(Mux(is_welcome & position[1], welcome_byte, header_byte))
            with m.Case(Part.WORDS):
                m.d.sync += crc.data.eq(buffer.data)
            with m.Case(Part.CRC):
                m.d.sync += crc.data.eq(crc.crc)
        return part

    def _send(self, m, crc, part, idle, reply_pending, accepting, seal):
        """Send the opening flag, the packet's bytes, escaped where needed, and the closing flag."""
        special = Signal()  # the byte needs an escape
        escaped = Signal()  # its escape has been sent
        # Delay after the CRC is done with a byte: at the end of a part the next byte is read from
        # the buffer, then registered.
        settled = Signal(READ_LATENCY)
        m.d.sync += [
            special.eq((crc.byte == FLAG) | (crc.byte == ESCAPE)),
            settled.eq(Cat(crc.done, settled)),
            crc.valid.eq(0),
        ]

        def offer(byte, state):
            """Offer ``byte``; go to ``state`` when it is accepted."""
            m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(byte)]
            with m.If(self.o.ready):
                m.next = state

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [idle.eq(1), crc.start.eq(1)]
                with m.If(reply_pending):
                    m.next = "OPEN"
            with m.State("OPEN"):
                offer(FLAG, "SEAL")
            with m.State("SEAL"):
                # While the flag is sent, and as long as more words arrive, the buffer is filled:
                # words that miss this packet wait for the host's next question. The buffer is
                # sealed in a cycle in which no word is stored, so that all replies are equal.
                m.d.comb += seal.eq(~(self.i.valid & accepting))
                with m.If(~accepting):
                    m.next = "LOAD"
            with m.State("LOAD"):
                m.d.sync += escaped.eq(0)
                with m.If(part == Part.END):
                    m.d.sync += part.eq(Part.HEADER)
                    m.next = "CLOSE"
                with m.Else():
                    m.d.sync += crc.valid.eq(1)
                    m.next = "CRC"
            with m.State("CRC"):
                with m.If(settled[-1]):
                    m.next = "BYTE"
                    with m.If(special):
                        m.next = "ESCAPE"
            with m.State("ESCAPE"):
                offer(ESCAPE, "BYTE")
                m.d.sync += escaped.eq(1)
            with m.State("BYTE"):
                offer(crc.byte ^ Mux(escaped, ESCAPE_XOR, 0), "LOAD")
            with m.State("CLOSE"):
                offer(FLAG, "IDLE")
