"""Packet transmitter: answers to the host's packets, with link words in them."""

from amaranth import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

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

from .layouts import link_word, struct
from .serial_crc import SerialCrc
from .serial_receiver import link_state

__all__ = ["PacketTransmitter"]


class PacketTransmitter(wiring.Component):
    """Sends one packet for each ``reply``; those that come while it sends are answered by one.

    Link words from ``i`` gather in a buffer of one packet until a frame ends in it or it is full.
    The first reply after a word came *seals* it, behind its flag: from then on every reply carries
    the same words under the same number, and ``i`` waits, until the host expects the next number
    (``acked``, ``ack``). A packet that is being sent for the second time when that happens goes on
    with its old number and whatever words are in the buffer: the host has had it, and drops it.

    ``hello`` empties the buffer, counts from 0 again, and makes the next packet a WELCOME. A byte
    is offered at ``o`` until it is taken; the CRC needs 9 cycles from one to the next. In reset the
    buffer is empty and nothing is sent.

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
        link_bytes = self.config.link_bytes
        m.submodules.buffer = buffer = memory.Memory(shape=8, depth=MAX_DATA, init=[])
        start = Signal()  # a packet begins

        # The packet that gathers: whole words of it, and bytes, those of a word's part included.
        number = Signal(4)
        words, ended, sealed = Signal(7), Signal(), Signal()
        fill = Signal(range(MAX_DATA + 1))
        lane = Signal(range(link_bytes))
        write = buffer.write_port()
        offered = self.i.valid & ~sealed & ~ended & (words != max_words(link_bytes))
        m.d.comb += [
            write.addr.eq(fill),
            write.data.eq(self.i.payload.data.word_select(lane, 8)),
            write.en.eq(offered),
            self.i.ready.eq(write.en & (lane == link_bytes - 1)),
        ]
        with m.If(write.en):
            m.d.sync += [fill.eq(fill + 1), lane.eq(lane + 1)]
        with m.If(self.i.ready):
            m.d.sync += [words.eq(words + 1), lane.eq(0), ended.eq(self.i.payload.last)]
        with m.If(start):
            m.d.sync += sealed.eq(words != 0)
        with m.If(self.hello | (self.acked & sealed & (self.ack == (number + 1)[:4]))):
            m.d.sync += [number.eq(number + 1), sealed.eq(0)]
            m.d.sync += [words.eq(0), ended.eq(0), fill.eq(0), lane.eq(0)]
        with m.If(self.hello):
            m.d.sync += number.eq(0)

        pending, resend, welcome = Signal(), Signal(), Signal()
        header = self._header(m, start, welcome, resend, number, words, ended)
        self._send(m, start, pending, ~offered, header, buffer.read_port())
        # After the start, so that what comes in its cycle is not forgotten.
        with m.If(start):
            m.d.sync += [pending.eq(0), resend.eq(0), welcome.eq(0)]
        with m.If(self.reply):
            m.d.sync += pending.eq(1)
        with m.If(self.resend):
            m.d.sync += resend.eq(1)
        with m.If(self.hello):
            m.d.sync += welcome.eq(1)
        return m

    def _header(self, m, start, welcome, resend, number, words, ended):
        """Header of the packet being sent. What may change meanwhile stays as at its start."""
        sent = Signal(struct(PACKET))
        fields = {
            "kind": Mux(welcome, Kind.WELCOME, Kind.REPLY),
            "resend": resend,
            "number": number,
            "words": Mux(welcome, 0, words),
            "last": ended,
        }
        with m.If(start):
            m.d.sync += [sent[name].eq(value) for name, value in fields.items()]
        m.d.comb += [
            sent.session.eq(self.state.session),
            sent.ack.eq(self.state.expected),
            sent.full.eq(self.state.full),
        ]
        return sent

    def _send(self, m, start, pending, gathered, header, read):
        """Flag, header, words, CRC, flag; each byte as one or two."""
        m.submodules.crc = crc = SerialCrc()
        place = Signal(range(MAX_DATA))
        length = Signal(range(MAX_DATA + 1))
        byte, taken, escaped = Signal(8), Signal(), Signal()
        m.d.comb += [
            read.addr.eq(place),
            length.eq(header.words * self.config.link_bytes),
            crc.data.eq(byte),
        ]

        def send(value, *, plain=False):
            """Offer ``value``; ``taken`` is 1 in the cycle in which all of it has been."""
            special = (value == FLAG) | (value == ESCAPE)
            m.d.comb += [byte.eq(value), self.o.valid.eq(1)]
            if plain:
                m.d.comb += [self.o.payload.eq(value), taken.eq(self.o.ready)]
                return
            m.d.comb += taken.eq(self.o.ready & (~special | escaped))
            with m.If(special & ~escaped):
                m.d.comb += self.o.payload.eq(ESCAPE)
            with m.Else():
                m.d.comb += self.o.payload.eq(value ^ Mux(escaped, ESCAPE_XOR, 0))
            with m.If(self.o.ready):
                m.d.sync += escaped.eq(special & ~escaped)

        def then(count, state):
            """Next byte of this state; after ``count`` of them, ``state``."""
            with m.If(taken):
                m.d.sync += place.eq(place + 1)
                with m.If(place == count - 1):
                    m.d.sync += place.eq(0)
                    m.next = state

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += crc.start.eq(1)
                with m.If(pending):
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                send(Const(FLAG, 8), plain=True)
                then(1, "SEAL")
            with m.State("SEAL"):
                # The flag's time, and more if there is more, lets words gather that the engine
                # could not give before: they would have to wait for another question. In the
                # cycle of the seal none comes: what is sent and what is kept must be the same.
                m.d.comb += start.eq(self.o.ready & gathered)
                with m.If(start):
                    m.next = "HEADER"
            with m.State("HEADER"):
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
                greets = (header.kind == Kind.WELCOME) & place[1]
                send(Mux(greets, of_welcome, of_packet))
                m.d.comb += crc.valid.eq(taken)
                with m.If(length == 0):
                    then(PACKET.size, "CRC")
                with m.Else():
                    then(PACKET.size, "WORDS")
            with m.State("WORDS"):
                send(read.data)
                m.d.comb += crc.valid.eq(taken)
                then(length, "CRC")
            with m.State("CRC"):
                send(crc.crc.word_select(place[:2], 8))
                then(CRC_BYTES, "END")
            with m.State("END"):
                send(Const(FLAG, 8), plain=True)
                then(1, "IDLE")
