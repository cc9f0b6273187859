"""AXI4-Lite slave: five channels to register reads and writes."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec.axi import ADDRESS_BITS, REGISTER_BYTES

from .bus import OKAY, SLVERR, axi_lite

__all__ = ["AxiLiteSlave"]

_WORD_BITS = ADDRESS_BITS - (REGISTER_BYTES - 1).bit_length()


class AxiLiteSlave(wiring.Component):
    """Performs writes and reads of a register file for an AXI4-Lite master.

    Address and data of a write may arrive in either order. ``w_en`` is 1 for the one cycle of a
    write: both parts have arrived, and the response before it has been accepted. ``r_en`` likewise
    is 1 for the one cycle of a read, whose ``r_data`` is registered for the bus. Latency: ``w_en``
    and ``r_en`` one cycle after the transfer on the bus at the earliest, the response one cycle
    after them. Throughput: one write and one read every two cycles; they do not wait for each
    other. All outputs on the bus are registers; in reset nothing is accepted.

    Members
    -------
    bus : In(`axi_lite`)
    w_en : Out(1)
    w_addr : Out, address of the register in words.
    w_data, w_strb : Out, as on the bus.
    w_error : In(1), in the cycle of ``w_en``: answer with SLVERR.
    r_en : Out(1)
    r_addr : Out, address of the register in words.
    r_data : In, in the cycle of ``r_en``.
    r_error : In(1), likewise: answer with SLVERR.
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
            """Hold one transfer in ``copies`` until ``done``; returns 1 while it is held."""
            full = Signal()
            full_next = Signal()
            transfer = valid & ready
            m.d.comb += full_next.eq(transfer | (full & ~done))
            # `ready` is the inverse of `full`, except in reset, where a transfer would be lost.
            m.d.sync += [full.eq(full_next), ready.eq(~full_next)]
            with m.If(transfer):
                m.d.sync += [copy.eq(value) for copy, value in copies]
            return full

        def respond(valid, ready, en, outputs):
            """Register ``outputs`` with ``en``, and hold them until they are accepted."""
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
