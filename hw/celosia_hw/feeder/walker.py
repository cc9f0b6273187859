"""Second half of the feeder: one k to the array each cycle."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import issue, segment
from celosia_hw.util.skid_buffer import SkidBuffer

__all__ = ["Walker"]


class Walker(wiring.Component):
    """Turns every set bit of a segment's mask, lowest first, into one issue.

    One issue per cycle as long as segments are valid, the first one three cycles after its segment
    was taken; `o` and ``i.ready`` are registered. A segment's last bit waits until it is known
    whether the tile goes on: for the next segment, or for the empty one that closes the tile. The
    last issue of a tile also waits for `drain_free`. A tile in which every byte is 0 issues byte 0
    of its last word, which adds 0, so that every tile has a last issue. With convolution an issue
    also waits for the origins of its pixel.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `segment`).
    drain_free : In(1), one more tile may be finished.
    claim : Out(1), a tile is finished: its last k is issued in the next cycle.
    origins_ready : In(1), in the next cycle a pixel's origins are there; with convolution only.
    claim_parity : Out(1), of the layer of the tile that is walked.
    o : Out(stream of `issue`, always ready).
    stalled : Out(1), waiting for `drain_free` in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(segment(config))),
                "drain_free": In(1),
                "claim": Out(1),
                "claim_parity": Out(1),
                "o": Out(stream.Signature(issue(config), always_ready=True)),
                "stalled": Out(1),
                **({"origins_ready": In(1)} if config.convolution else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # The segment being walked, and the one after it.
        m.submodules.skid = skid = SkidBuffer(segment(self.config))
        connect(m, flipped(self.i), skid.i)
        current = Signal(segment(self.config))
        current_valid = Signal()
        following = skid.o.payload
        closes = Signal()  # the following segment only closes the tile
        final_bit = Signal()  # one bit of the current segment is left
        last = Signal()
        go = Signal()
        ends_tile = current.last | closes
        ready = current_valid
        if self.config.convolution:
            ready = current_valid & self.origins_ready
        m.d.comb += [
            closes.eq(skid.o.valid & following.empty),
            last.eq(final_bit & ends_tile),
            go.eq(ready & (~final_bit | Mux(ends_tile, self.drain_free, skid.o.valid))),
            self.claim.eq(go & last),
            self.claim_parity.eq(current.parity),
            self.stalled.eq(current_valid & last & ~self.drain_free),
        ]

        bits = cells_of(platform).bits
        byte = Signal(range(self.config.lanes))
        bits.lowest_bit(m, current.mask, byte)
        m.d.sync += [
            self.o.valid.eq(go),
            self.o.payload.last.eq(last),
            self.o.payload.weights.eq(current.weights + byte),
            *self._place(current, byte, last, following),
        ]
        with m.If(go):
            m.d.sync += [
                current.mask.eq(current.mask & (current.mask - 1)),
                # Known a cycle ahead: one bit is left after this one.
                final_bit.eq(bits.two_bits(current.mask)),
            ]
        with m.If(go & final_bit):
            m.d.sync += current_valid.eq(0)
        with m.If(closes & current_valid & ~current.last):
            m.d.comb += skid.o.ready.eq(1)
            m.d.sync += current.last.eq(1)
            if self.config.convolution:
                m.d.sync += current.step_end.eq(following.step_end)
        with m.Elif(~current_valid | (go & final_bit)):
            m.d.comb += skid.o.ready.eq(1)
            with m.If(skid.o.valid):
                m.d.sync += [
                    current_valid.eq(1),
                    current.eq(following),
                    final_bit.eq(following.empty | bits.one_bit(following.mask)),
                ]
                with m.If(following.empty):
                    m.d.sync += current.mask.eq(1)
        return m

    def _place(self, current: data.View, byte: Value, last: Value, following: data.View) -> list:
        """Statements for a clock edge: which byte is issued."""
        issued = self.o.payload
        if not self.config.convolution:
            return [issued.src.eq(current.src), issued.byte.eq(byte)]
        return [
            issued.offset.eq(current.offset + byte),
            issued.dy.eq(current.dy),
            issued.dx.eq(current.dx),
            issued.step_end.eq(last & Mux(current.last, current.step_end, following.step_end)),
        ]
