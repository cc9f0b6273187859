"""Skid buffer: cuts every combinational path of a stream."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """``o`` is ``i`` one cycle later; all outputs are registers.

    Holds up to two payloads, so that throughput is one per cycle although ``i.ready`` depends on
    the ``o.ready`` of the cycle before only. In reset nothing is taken; after it the buffer is
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
        # The payload that was taken in the cycle in which `o` stalled; `i` is ready while there is
        # none.
        buffer = Signal.like(self.o.payload, reset_less=True)
        buffer_valid = Signal()
        available = buffer_valid | (self.i.valid & self.i.ready)
        free = ~self.o.valid | self.o.ready
        m.d.sync += [
            self.o.valid.eq(available | ~free),
            buffer_valid.eq(available & ~free),
            self.i.ready.eq(~(available & ~free)),
        ]
        with m.If(free):
            m.d.sync += self.o.payload.eq(Mux(buffer_valid, buffer, self.i.payload))
        # Whether it is needed or not: `o.ready` may settle late in a cycle.
        with m.If(self.i.ready):
            m.d.sync += buffer.eq(self.i.payload)
        return m
