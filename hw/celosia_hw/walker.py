"""Second half of the feeder: one k to the array each cycle."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config

from .layouts import segment

__all__ = ["Walker", "issue"]


def issue(config: Config) -> data.StructLayout:
    """One k: byte ``byte`` of activation word ``src`` times weight word ``weights``.

    ``last`` marks the end of a tile.
    """
    return data.StructLayout(
        {
            "last": 1,
            "src": range(config.act_depth),
            "byte": range(config.lanes),
            "weights": range(config.weight_depth),
        }
    )


class Walker(wiring.Component):
    """Turns every set bit of a segment's mask, lowest first, into one issue.

    One issue per cycle as long as segments come; `o` is registered, one cycle after the segment
    stood in the walker. A segment's last bit waits until it is known whether more of the tile
    follows, that is for the next segment or for the mask-0 segment that closes the tile. The last
    issue of a tile also waits for `drain_free`. A tile in which every byte is 0 issues its last
    word's byte 0, which adds 0, so that every tile has a last issue.

    Members
    -------
    i : In(stream of `segment`)
    drain_free : In(1), 1 when one more tile may be finished; claim : Out(1), one is being so.
    o : Out(`issue`), o_en : Out(1), 1 when `o` holds an issue. There is no back-pressure: the
        array accepts one every cycle.
    stalled : Out(1), waiting for `drain_free` in this cycle.
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
            }
        )

    def elaborate(self, platform):
        m = Module()
        current = Signal(segment(self.config))
        full = Signal()

        closes = Signal()  # the next segment only closes the tile
        rest = Signal(self.config.lanes)
        final_bit = Signal()
        last = Signal()
        allowed = Signal()
        go = Signal()
        m.d.comb += [
            closes.eq(self.i.valid & (self.i.payload.mask == 0)),
            rest.eq(current.mask & (current.mask - 1)),
            final_bit.eq(rest == 0),
            last.eq(final_bit & (current.last | closes)),
            allowed.eq(~final_bit | Mux(last, self.drain_free, self.i.valid)),
            go.eq(full & allowed),
            self.claim.eq(go & last),
            self.stalled.eq(full & last & ~self.drain_free),
        ]

        byte = Signal(range(self.config.lanes))
        for bit in reversed(range(self.config.lanes)):
            with m.If(current.mask[bit]):
                m.d.comb += byte.eq(bit)
        m.d.sync += self.o_en.eq(go)
        with m.If(go):
            m.d.sync += [
                self.o.last.eq(last),
                self.o.src.eq(current.src),
                self.o.byte.eq(byte),
                self.o.weights.eq(current.weights + byte),
                current.mask.eq(rest),
            ]

        with m.If(go & final_bit):
            m.d.sync += full.eq(0)
        with m.If(closes & full & ~current.last):
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += current.last.eq(1)
        with m.Elif(~full | (go & final_bit)):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [full.eq(1), current.eq(self.i.payload)]
                with m.If(closes):
                    m.d.sync += current.mask.eq(1)
        return m
