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
        spare = Signal.like(self.o.payload)
        spare_full = Signal()
        m.d.sync += self.i.ready.eq(1)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq((self.i.valid & self.i.ready) | spare_full),
                spare_full.eq(0),
            ]
            with m.If(spare_full):
                m.d.sync += self.o.payload.eq(spare)
            with m.Else():
                m.d.sync += self.o.payload.eq(self.i.payload)
        with m.Elif(spare_full | (self.i.valid & self.i.ready)):
            m.d.sync += [self.i.ready.eq(0), spare_full.eq(1)]
            with m.If(~spare_full):
                m.d.sync += spare.eq(self.i.payload)
        return m
