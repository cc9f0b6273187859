"""Fall-through buffer: cuts the way of a stream's ready, without a cycle of latency."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["FallThroughBuffer"]


class FallThroughBuffer(wiring.Component):
    """``o`` is ``i``, or first a payload that was taken while ``o`` stalled.

    Holds one payload, so that throughput is one per cycle although ``i.ready`` depends on the
    ``o.ready`` of the cycle before only. In reset and after it the buffer is
    empty.

    Parameters
    ----------
    shape : of the payload.

    Members
    -------
    i : In(stream of ``shape``).
    o : Out(stream of ``shape``).
    """

    def __init__(self, shape):
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        buffer = Signal.like(self.o.payload, reset_less=True)
        full = Signal()
        m.d.comb += [
            self.i.ready.eq(~full),
            self.o.valid.eq(self.i.valid | full),
            self.o.payload.eq(Mux(full, buffer, self.i.payload)),
        ]
        m.d.sync += full.eq(self.o.valid & ~self.o.ready)
        # Whether it is needed or not: `o.ready` may settle late in a cycle.
        with m.If(~full):
            m.d.sync += buffer.eq(self.i.payload)
        return m
