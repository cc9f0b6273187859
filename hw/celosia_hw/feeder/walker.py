"""Second half of the feeder: one k to the array each cycle."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import issue, segment
from celosia_hw.util.skid_buffer import SkidBuffer

__all__ = ["Walker"]


class Walker(wiring.Component):
    """Turns every set bit of a segment's mask, lowest first, into one issue.

    One issue per cycle as long as segments come, the first of a segment two cycles after it was
    taken; `o` and ``i.ready`` are registered. A segment's last bit waits until it is known whether
    more of the tile follows, that is for the next segment or for the mask-0 segment that closes
    the tile. The last issue of a tile also waits for `drain_free`. A tile in which every byte is 0
    issues its last word's byte 0, which adds 0, so that every tile has a last issue.

    Members
    -------
    i : In(stream of `segment`)
    drain_free : In(1), 1 when one more tile may be finished; claim : Out(1), one is being so.
    o : Out(`issue`), o_en : Out(1), 1 when `o` holds an issue. There is no back-pressure: the
        array accepts one every cycle.
    stalled : Out(1), waiting for `drain_free` in this cycle.
    reading : In(1), put the addresses ``read_addr`` : In(24) into `o` instead, one cycle later.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(segment(config))),
                "drain_free": In(1),
                "claim": Out(1),
                "o": Out(issue(config)),
                "o_en": Out(1),
                "stalled": Out(1),
                "reading": In(1),
                "read_addr": In(24),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # The segment being walked, and the one after it.
        m.submodules.skid = skid = SkidBuffer(segment(self.config))
        connect(m, flipped(self.i), skid.i)
        current, full = Signal(segment(self.config)), Signal()
        following, waits = skid.o.payload, skid.o.valid
        closes = Signal()  # the following segment only closes the tile
        final_bit, last, go = Signal(), Signal(), Signal()
        m.d.comb += [
            closes.eq(waits & following.empty),
            last.eq(final_bit & (current.last | closes)),
            go.eq(full & (~final_bit | Mux(current.last | closes, self.drain_free, waits))),
            self.claim.eq(go & last),
            self.stalled.eq(full & last & ~self.drain_free),
        ]

        bits = cells_of(platform).bits
        byte = Signal(range(self.config.lanes))
        bits.lowest_bit(m, current.mask, byte)
        m.d.sync += [
            self.o_en.eq(go),
            self.o.last.eq(last),
            self.o.src.eq(Mux(self.reading, self.read_addr, current.src)),
            self.o.byte.eq(byte),
            self.o.weights.eq(Mux(self.reading, self.read_addr, current.weights + byte)),
        ]
        with m.If(go):
            m.d.sync += [
                current.mask.eq(current.mask & (current.mask - 1)),
                # Known a cycle ahead: is one bit left when this one has gone?
                final_bit.eq(bits.two_bits(current.mask)),
            ]
        with m.If(go & final_bit):
            m.d.sync += full.eq(0)
        with m.If(closes & full & ~current.last):
            m.d.comb += skid.o.ready.eq(1)
            m.d.sync += current.last.eq(1)
        with m.Elif(~full | (go & final_bit)):
            m.d.comb += skid.o.ready.eq(1)
            with m.If(waits):
                m.d.sync += [
                    full.eq(1),
                    current.eq(following),
                    final_bit.eq(following.empty | bits.one_bit(following.mask)),
                ]
                with m.If(following.empty):
                    m.d.sync += current.mask.eq(1)
        return m
