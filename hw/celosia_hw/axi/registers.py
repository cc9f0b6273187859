"""Registers of the engine with AXI pins: control, status, interrupt and counters."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import COUNTERS, Config, identity
from celosia.spec.axi import (
    CONTROL,
    INTERRUPTS,
    REGISTER_BYTES,
    REGISTERS,
    RESPONSES,
    SCRATCH,
    STATUS,
    Access,
)
from celosia_hw.layouts import struct

from .bus import axi_lite
from .lite import AxiLiteSlave

__all__ = ["AxiRegisters"]

_BITS = 8 * REGISTER_BYTES


class AxiRegisters(wiring.Component):
    """`celosia.spec.axi.REGISTERS` behind AXI4-Lite.

    A write takes effect one cycle after the slave has both its parts; a snapshot copies the
    counters of that cycle. When a response ends in the cycle in which its pending bit is cleared,
    the bit stays set. After a reset all registers are 0: the engine runs and the interrupt is
    disabled.

    Members
    -------
    bus : In(`axi_lite`)
    status : In(`celosia.spec.axi.STATUS`)
    counters : In(`celosia.spec.COUNTERS`)
    response_ended : In(1), the last word of a response is transferred in this cycle.
    reset : Out(1), hold the engine in reset.
    irq : Out(1), level.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "bus": In(axi_lite()),
                "status": In(struct(STATUS)),
                "counters": In(struct(COUNTERS)),
                "response_ended": In(1),
                "reset": Out(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.slave = slave = AxiLiteSlave()
        connect(m, flipped(self.bus), slave.bus)

        control = Signal(struct(CONTROL))
        enable = Signal(struct(INTERRUPTS))
        pending = Signal(struct(INTERRUPTS))
        responses = Signal(struct(RESPONSES))
        scratch = Signal(struct(SCRATCH))
        counters = Signal(struct(COUNTERS))  # of the last snapshot
        identity_bits = int.from_bytes(identity(self.config), "little")
        values = {
            "IDENTITY": Const(identity_bits, 8 * len(identity(self.config))),
            "CONTROL": control,
            "STATUS": self.status,
            "IRQ_ENABLE": enable,
            "IRQ_PENDING": pending,
            "RESPONSES": responses,
            "SCRATCH": scratch,
            "COUNTERS": counters,
        }

        strobed = Signal(_BITS)  # bits of the word that are written
        m.d.comb += strobed.eq(Cat(bit.replicate(8) for bit in slave.w_strb))
        m.d.comb += [slave.w_error.eq(1), slave.r_error.eq(1)]
        for register in REGISTERS:
            value = Value.cast(values[register.name])
            for address in register.addresses:
                part = value[8 * (address - register.address) :][:_BITS]
                with m.If(slave.r_addr == address // REGISTER_BYTES):
                    m.d.comb += [slave.r_error.eq(0), slave.r_data.eq(part)]
            if register.access is Access.R:
                continue
            with m.If(slave.w_addr == register.address // REGISTER_BYTES):
                m.d.comb += slave.w_error.eq(0)
                with m.If(slave.w_en):
                    written = slave.w_data & strobed
                    if register.access is Access.W1C:
                        m.d.sync += value.eq(value & ~written)
                    else:
                        m.d.sync += value.eq((value & ~strobed) | written)

        raised = pending.as_value() & enable.as_value()
        m.d.comb += [self.reset.eq(control.reset), self.irq.eq(raised.any())]
        with m.If(control.snapshot):
            m.d.sync += [counters.eq(self.counters), control.snapshot.eq(0)]
        with m.If(self.response_ended):
            m.d.sync += [pending.response.eq(1), responses.count.eq(responses.count + 1)]
        return m
