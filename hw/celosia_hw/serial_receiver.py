"""Packet receiver: serial bytes to link words, and what the transmitter has to know of them."""

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.serial import (
    CRC_BYTES,
    ESCAPE,
    ESCAPE_XOR,
    FLAG,
    NO_SESSION,
    PACKET,
    RECEIVE_DEPTH,
    Kind,
)

from .layouts import link_word, struct
from .serial_crc import SerialCrc

__all__ = ["PacketReceiver", "link_state"]

_SIZE = data.StructLayout({"words": 7, "last": 1})


def link_state() -> data.StructLayout:
    """What every packet of the device says of the other direction."""
    return data.StructLayout({"session": 8, "expected": 4, "full": 1})


class PacketReceiver(wiring.Component):
    """Takes packets apart, and lets through, once and in order, what belongs to the session.

    Words of a packet go to a buffer of `RECEIVE_DEPTH` bytes as they come, behind those that wait
    for the engine, and are only *committed* there by the flag that ends a good packet: its CRC
    matches, its length is what it says, its session is this one and its number the expected one.
    Else they are overwritten by the next packet. So nothing reaches ``o`` that was not checked.

    With the flag that ends a packet, when the packet asks for an answer, ``reply`` is 1 for one
    cycle; ``resend`` with it when the packet was damaged or found no room. A good HELLO sets the
    session, empties the buffer, expects number 0 next, and raises ``hello`` in that cycle.
    ``acked`` is 1 with the flag of each good packet of the session, numbered or not.

    ``o`` gives a word about ``2 * link_bytes`` cycles after the one before, never drops or holds
    the line: a packet without room is refused as a whole. In reset there is no session, the buffer
    is empty, and the line is taken to be between packets.

    Members
    -------
    data, valid, error : In, from `UartReceiver`; at least 10 cycles between bytes.
    o : Out(stream of `link_word`)
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
        m.submodules.buffer = buffer = memory.Memory(shape=8, depth=RECEIVE_DEPTH, init=[])
        write = buffer.write_port()
        # In the buffer: committed from `head` on, then the packet being received, up to `tail`.
        head, committed, tail = (Signal(range(RECEIVE_DEPTH)) for _ in range(3))

        # Bytes without their escapes.
        escaped = Signal()
        byte, take, flag = Signal(8), Signal(), Signal()
        m.d.comb += [
            flag.eq(self.valid & (self.data == FLAG)),
            take.eq(self.valid & (self.data != FLAG) & (self.data != ESCAPE)),
            byte.eq(self.data ^ Mux(escaped, ESCAPE_XOR, 0)),
            crc.data.eq(byte),
            crc.valid.eq(take),
            crc.start.eq(flag),
        ]
        with m.If(self.valid):
            m.d.sync += escaped.eq(self.data == ESCAPE)

        header = Signal(struct(PACKET))
        place = Signal(range(PACKET.size + 1))  # bytes of the header that have come
        left = Signal(range((1 << 7) * self.config.link_bytes + CRC_BYTES))  # bytes after it
        bad = Signal()
        in_header = place != PACKET.size
        ours = header.session == self.state.session
        wanted = (header.kind == Kind.DATA) & ours & (header.number == self.state.expected)

        # The size goes to the buffer ahead of its words: the last header byte and the data do.
        size = data.View(_SIZE, byte)
        store = take & wanted & Mux(in_header, place == PACKET.size - 1, left > CRC_BYTES)
        no_room = (tail + 1)[: len(tail)] == head
        m.d.comb += [
            write.addr.eq(tail),
            write.data.eq(byte),
            write.en.eq(store & ~no_room),
        ]
        with m.If(write.en):
            m.d.sync += tail.eq(tail + 1)
        with m.If(take & in_header):
            m.d.sync += [
                place.eq(place + 1),
                left.eq(size.words * self.config.link_bytes + CRC_BYTES),
            ]
            with m.Switch(place):
                for index in range(PACKET.size):
                    with m.Case(index):
                        m.d.sync += header.as_value()[8 * index :][:8].eq(byte)
        with m.Elif(take):
            m.d.sync += left.eq(left - 1)
        with m.If(self.error | (store & no_room) | (take & ~in_header & (left == 0))):
            m.d.sync += bad.eq(1)

        good = ~bad & ~in_header & (left == 0) & crc.match
        with m.If(flag):
            m.d.sync += [place.eq(0), bad.eq(0), escaped.eq(0), tail.eq(committed)]
            with m.If(~good):
                # Flags may stand next to each other: between them is no packet.
                ended = bad | (place != 0)
                m.d.comb += [self.reply.eq(ended), self.resend.eq(ended)]
            with m.Elif(header.kind == Kind.HELLO):
                m.d.comb += [self.reply.eq(1), self.hello.eq(1)]
                m.d.sync += [
                    self.state.session.eq(header.session),
                    self.state.expected.eq(0),
                    committed.eq(0),
                    tail.eq(0),
                ]
            with m.Elif(header.kind == Kind.DATA):
                m.d.comb += [self.reply.eq(1), self.acked.eq(ours)]
                with m.If(wanted & (header.words != 0)):
                    m.d.sync += [
                        self.state.expected.eq(self.state.expected + 1),
                        committed.eq(tail),
                        tail.eq(tail),
                    ]
        m.d.comb += self.ack.eq(header.ack)
        # Less than half of the buffer taken leaves room for the longest packet.
        m.d.sync += self.state.full.eq((committed - head)[len(head) - 1])
        self._deliver(m, buffer.read_port(), head, committed)
        return m

    def _deliver(self, m, read, head, committed):
        """Committed packets to words."""
        link_bytes = self.config.link_bytes
        fresh = Signal()  # `read.data` is that of `head`
        arrived = fresh & (head != committed)
        size = Signal(_SIZE)
        lane = Signal(range(link_bytes))
        step = Signal()
        m.d.comb += [read.addr.eq(head), self.o.payload.last.eq(size.last & (size.words == 0))]
        m.d.sync += fresh.eq(~step)
        with m.If(step):
            m.d.sync += head.eq(head + 1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(arrived & ~self.o.valid):
            m.d.comb += step.eq(1)
            with m.If(size.words == 0):
                m.d.sync += size.eq(read.data)
            with m.Else():
                m.d.sync += [
                    self.o.payload.data.eq(Cat(self.o.payload.data, read.data)[8:]),
                    lane.eq(lane + 1),
                ]
                with m.If(lane == link_bytes - 1):
                    m.d.sync += [
                        lane.eq(0),
                        size.words.eq(size.words - 1),
                        self.o.valid.eq(1),
                    ]
        with m.If(self.hello):
            m.d.sync += [head.eq(0), fresh.eq(0), size.eq(0), lane.eq(0), self.o.valid.eq(0)]
