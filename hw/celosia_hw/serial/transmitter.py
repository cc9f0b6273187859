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
    """Sends one packet for each ``reply``; those that come while it sends are answered by one.

    Between packets, link words from ``i`` gather in a buffer of one packet, each in ``link_bytes +
    1`` cycles, until a frame ends in it or it is full. The first reply after a word came *seals*
    it, behind its flag: from then on every reply carries the same words under the same number, and
    ``i`` waits, until the host expects the next number (``acked``, ``ack``) and no packet is being
    sent.

    From the cycle after ``hello`` on ``i`` waits too, until a WELCOME has been sent: behind the
    packet being sent, if there is one, and before it the buffer is emptied and numbers begin at 0
    again. A byte is offered at ``o`` until it is taken, and the next one 14 cycles later. In reset
    the buffer is empty and nothing is sent.

    Members
    -------
    i : In(stream of `link_word`); o : Out(stream of 8 bits), for `UartTransmitter`.
    state : In(`link_state`)
    reply, resend, hello, acked : In(1); ack : In(4), from `PacketReceiver`.
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

        # What the next packet is to be, and from its beginning on what it is.
        pending, resend, welcome = Signal(), Signal(), Signal()
        resends, greets = Signal(), Signal()
        idle = Signal()  # no packet has begun
        begins = idle & pending
        with m.If(begins):
            m.d.sync += [resends.eq(resend), greets.eq(welcome)]
        m.d.sync += [
            pending.eq(self.reply | (pending & ~begins)),
            resend.eq(self.resend | (resend & ~begins)),
            welcome.eq(self.hello | (welcome & ~begins)),
        ]

        header = Signal(struct(PACKET))
        m.d.comb += [
            header.kind.eq(Mux(greets, Kind.WELCOME, Kind.REPLY)),
            header.full.eq(self.state.full),
            header.resend.eq(resends),
            header.session.eq(self.state.session),
            header.ack.eq(self.state.expected),
        ]
        seal = Signal()
        more = self._gather(m, buffer, header, idle, welcome, seal)
        m.submodules.crc = crc = SerialCrc()
        part = self._bytes(m, crc, buffer, header, greets)
        self._send(m, crc, part, idle, pending, more, seal)
        return m

    def _gather(self, m, buffer, header, idle, welcome, seal):
        """Words to the buffer and ``header``; whether more would be taken."""
        lanes = exact_log2(self.config.link_bytes)
        number = Signal(4)
        fill = Signal(range(MAX_DATA + 1))
        lane, words = fill[:lanes], fill[lanes:]
        # A word has come; the last one ended a frame; the host has to take them; more may come.
        some, ended, sealed, more = Signal(), Signal(), Signal(), Signal()
        whole = Signal()  # all bytes of the word at `i` have been written
        m.d.comb += [
            header.number.eq(number),
            header.words.eq(words),
            header.last.eq(ended),
            buffer.write_addr.eq(fill),
            buffer.write_data.eq(self.i.payload.data.word_select(lane, 8)),
            buffer.write_en.eq(self.i.valid & more & ~whole),
            self.i.ready.eq(whole),
        ]
        m.d.sync += whole.eq(buffer.write_en & (lane == self.config.link_bytes - 1))
        with m.If(buffer.write_en):
            m.d.sync += fill.eq(fill + 1)
        with m.If(whole):
            m.d.sync += [some.eq(1), ended.eq(self.i.payload.last)]
            with m.If(self.i.payload.last | (words == max_words(self.config.link_bytes))):
                m.d.sync += more.eq(0)
        with m.If(seal):
            m.d.sync += [sealed.eq(some), more.eq(0)]

        taken = Signal()  # it has
        with m.If(self.acked & sealed & (self.ack == (number + 1)[: len(number)])):
            m.d.sync += taken.eq(1)
        with m.If(idle):
            with m.If(welcome | taken):
                m.d.sync += [fill.eq(0), some.eq(0), ended.eq(0), sealed.eq(0), taken.eq(0)]
                m.d.sync += number.eq(number + 1)
            with m.If(welcome):
                m.d.sync += number.eq(0)
            # With a WELCOME to send, only behind it.
            with m.Elif(taken | ~some):
                m.d.sync += more.eq(1)
        with m.If(self.hello):
            m.d.sync += [more.eq(0), whole.eq(0)]
        return more

    def _bytes(self, m, crc, buffer, header, greets):
        """The packet's bytes one by one to ``crc``; what part the next one is of."""
        lanes = exact_log2(self.config.link_bytes)
        part = Signal(Part)
        place = Signal(range(MAX_DATA))
        over = Signal()  # `place` is the part's end
        assert PACKET.size == CRC_BYTES
        m.d.sync += over.eq(place == Mux(part == Part.WORDS, header.words << lanes, CRC_BYTES))
        with m.If(crc.valid):
            m.d.sync += place.eq(place + 1)
        with m.If(crc.done & over):
            m.d.sync += place.eq(0)
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
        # Up to the session both begin alike.
        of_welcome = welcome.as_value().word_select(place[:2], 8)
        of_packet = header.as_value().word_select(place[:2], 8)
        m.d.comb += [buffer.addr.eq(place), crc.closing.eq(part == Part.CRC)]
        with m.Switch(part):
            with m.Case(Part.HEADER):
                m.d.sync += crc.data.eq(Mux(greets & place[1], of_welcome, of_packet))
            with m.Case(Part.WORDS):
                m.d.sync += crc.data.eq(buffer.data)
            with m.Case(Part.CRC):
                m.d.sync += crc.data.eq(crc.crc)
        return part

    def _send(self, m, crc, part, idle, pending, more, seal):
        """Flag, the packet's bytes, each as one or two, flag."""
        special, escaped = Signal(), Signal()
        # When a part ends, the next byte comes out of the buffer and then of a register.
        settled = Signal(READ_LATENCY)
        m.d.sync += [
            special.eq((crc.byte == FLAG) | (crc.byte == ESCAPE)),
            settled.eq(Cat(crc.done, settled)),
            crc.valid.eq(0),
        ]

        def offer(byte, state):
            """Offer ``byte``; when it is taken, ``state``."""
            m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(byte)]
            with m.If(self.o.ready):
                m.next = state

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [idle.eq(1), crc.start.eq(1)]
                with m.If(pending):
                    m.next = "OPEN"
            with m.State("OPEN"):
                offer(FLAG, "SEAL")
            with m.State("SEAL"):
                # The flag's time, and more if there is more, lets words gather that the engine
                # could not give before: they would have to wait for another question. In the
                # cycle of the seal none comes: what is sent and what is kept must be the same.
                m.d.comb += seal.eq(~(self.i.valid & more))
                with m.If(~more):
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
