"""Skid buffer: cuts every combinational path of a stream."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """Hands each payload on one cycle later; all its outputs are registers.

    Holds up to two payloads, so that throughput stays one per cycle although ``i.ready`` only
    answers to the ``o.ready`` of the cycle before. In reset it takes nothing, after it it is empty.

    Members
    -------
    i : In(stream of ``shape``), o : Out(stream of ``shape``)
    """

    def __init__(self, shape):
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        # What came in the cycle in which `o` stopped. `i` is ready as long as there is none.
        spare = Signal.like(self.o.payload, reset_less=True)
        spare_full = Signal()
        comes = spare_full | (self.i.valid & self.i.ready)
        moves = ~self.o.valid | self.o.ready
        m.d.sync += [
            self.o.valid.eq(comes | ~moves),
            spare_full.eq(comes & ~moves),
            self.i.ready.eq(~(comes & ~moves)),
        ]
        with m.If(moves):
            m.d.sync += self.o.payload.eq(Mux(spare_full, spare, self.i.payload))
        # Whether it will be needed or not: `o.ready` may come late in a cycle.
        with m.If(self.i.ready):
            m.d.sync += spare.eq(self.i.payload)
        return m
