"""AXI4-Lite slave: five channels to one read and one write of a register."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec.axi import ADDRESS_BITS, REGISTER_BYTES

from .bus import OKAY, SLVERR, axi_lite

__all__ = ["AxiLiteSlave"]

_WORD_BITS = ADDRESS_BITS - (REGISTER_BYTES - 1).bit_length()


class AxiLiteSlave(wiring.Component):
    """Joins address and data of a write, whichever comes first, and waits for its master.

    All outputs of the bus are registers; in reset it takes nothing. A write happens in the one
    cycle in which ``w_en`` is 1, once both parts are there and the response before it has been
    taken; a read likewise with ``r_en``, and ``r_data`` of that cycle goes out. Reads and writes
    do not wait for each other. At the most one of each every two cycles.

    Members
    -------
    bus : In(`axi_lite`)
    w_en : Out(1); w_addr : Out, of the word; w_data, w_strb : Out, as on the bus;
        w_error : In(1), answer this write with SLVERR.
    r_en : Out(1); r_addr : Out, of the word; r_data : In; r_error : In(1), likewise.
    """

    bus: In(axi_lite())
    w_en: Out(1)
    w_addr: Out(_WORD_BITS)
    w_data: Out(8 * REGISTER_BYTES)
    w_strb: Out(REGISTER_BYTES)
    w_error: In(1)
    r_en: Out(1)
    r_addr: Out(_WORD_BITS)
    r_data: In(8 * REGISTER_BYTES)
    r_error: In(1)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        low = ADDRESS_BITS - _WORD_BITS

        def held(valid, ready, done, copies):
            """Take one transfer into ``copies`` and hold it until ``done``; 1 while it is there."""
            full, full_next = Signal(), Signal()
            take = valid & ready
            m.d.comb += full_next.eq(take | (full & ~done))
            # The inverse of `full`, but for reset: what is taken then would be lost.
            m.d.sync += [full.eq(full_next), ready.eq(~full_next)]
            with m.If(take):
                m.d.sync += [copy.eq(value) for copy, value in copies]
            return full

        def respond(valid, ready, en, outputs):
            """Set ``outputs`` with ``en``, and keep them until they are taken."""
            with m.If(en):
                m.d.sync += [valid.eq(1), *(output.eq(value) for output, value in outputs)]
            with m.Elif(ready):
                m.d.sync += valid.eq(0)

        address = held(bus.awvalid, bus.awready, self.w_en, [(self.w_addr, bus.awaddr[low:])])
        data = held(
            bus.wvalid,
            bus.wready,
            self.w_en,
            [(self.w_data, bus.wdata), (self.w_strb, bus.wstrb)],
        )
        m.d.comb += self.w_en.eq(address & data & (~bus.bvalid | bus.bready))
        resp = Mux(self.w_error, SLVERR, OKAY)
        respond(bus.bvalid, bus.bready, self.w_en, [(bus.bresp, resp)])

        address = held(bus.arvalid, bus.arready, self.r_en, [(self.r_addr, bus.araddr[low:])])
        m.d.comb += self.r_en.eq(address & (~bus.rvalid | bus.rready))
        resp = Mux(self.r_error, SLVERR, OKAY)
        respond(bus.rvalid, bus.rready, self.r_en, [(bus.rresp, resp), (bus.rdata, self.r_data)])
        return m
