"""The engine with AXI pins: streams carry frames, registers control it."""

import re

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.emit import Naming, emit
from celosia_hw.engine import Engine
from celosia_hw.util.registered_reset import registered_reset

from .bus import axi_lite, axi_stream
from .registers import AxiRegisters
from .stream import RequestGate, ResponseGate

__all__ = ["AXI_NAMING", "AXI_TOP", "AxiEngine", "axi_verilog"]

#: Name of the top module.
AXI_TOP = "celosia_axi"
#: Names by which Vivado and LiteX recognize clock, reset and buses.
AXI_NAMING = Naming(clk="aclk", rst="aresetn", active_low=True, separator="_")
#: Attributes of ports for what Vivado does not infer from names. Other tools ignore them.
_VIVADO = {
    "aclk": 'X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axis:m_axis:s_axil, '
    'ASSOCIATED_RESET aresetn"',
    "irq": 'X_INTERFACE_INFO = "xilinx.com:signal:interrupt:1.0 irq INTERRUPT", '
    'X_INTERFACE_PARAMETER = "SENSITIVITY LEVEL_HIGH"',
}


class AxiEngine(wiring.Component):
    """An `Engine` whose frames are AXI4-Stream packets, with `celosia.spec.axi` registers.

    CONTROL.reset resets the engine; its memories and the other registers keep their contents, and
    no packet on either stream is cut short (`RequestGate`, `ResponseGate`). Latency beside that of
    the engine: none for requests, one cycle for responses.

    Parameters
    ----------
    config : shape and memories.

    Members
    -------
    s_axis : In(`axi_stream`), request frames.
    m_axis : Out(`axi_stream`), response frames.
    s_axil : In(`axi_lite`), registers.
    irq : Out(1), 1 while an interrupt is pending that IRQ_ENABLE enables.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "s_axis": In(axi_stream(config.link_bytes)),
                "m_axis": Out(axi_stream(config.link_bytes)),
                "s_axil": In(axi_lite()),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = AxiRegisters(self.config)
        m.submodules.requests = requests = RequestGate(self.config)
        m.submodules.responses = responses = ResponseGate(self.config)
        engine = Engine(self.config)
        reset = registered_reset(m, "engine", registers.reset)
        m.submodules.engine = DomainRenamer("engine")(engine)

        connect(m, flipped(self.s_axil), registers.bus)
        connect(m, flipped(self.s_axis), requests.i)
        connect(m, requests.o, engine.i)
        connect(m, engine.o, responses.i)
        connect(m, responses.o, flipped(self.m_axis))
        m.d.comb += [
            # The engine's reset is delayed against CONTROL.reset, at its beginning and at its end.
            requests.drop.eq(registers.reset),
            requests.wait.eq(reset),
            responses.abort.eq(registers.reset | reset),
            registers.response_ended.eq(responses.ended),
            registers.counters.eq(engine.counters),
            registers.status.busy.eq(~engine.idle | responses.sending),
            registers.status.receiving.eq(requests.receiving),
            registers.status.sending.eq(responses.sending),
            self.irq.eq(registers.irq),
        ]
        return m


def axi_verilog(config: Config) -> str:
    """Self-contained Verilog of an `AxiEngine` called `AXI_TOP`.

    Ports: ``aclk``, ``aresetn`` (synchronous, active low), ``irq``, and the buses ``s_axis_*``,
    ``m_axis_*`` and ``s_axil_*``.
    """
    text = emit(AxiEngine(config), AXI_TOP, AXI_NAMING)
    for port, attributes in _VIVADO.items():
        # The first module is the top.
        declaration = rf"(?m)^  ((?:in|out)put {port};)"
        text = re.sub(declaration, rf"  (* {attributes} *)\n  \1", text, count=1)
    return text
