"""A LiteX SoC with the engine and RAM; its only master beside the DMAs is at the SoC's pins.

Instead of a CPU the simulation's host drives that Wishbone master: no compiler for RISC-V needed.
"""

from celosia_litex import add_celosia
from litex.build.generic_platform import Pins
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone

RAM_BASE = 0x4000_0000
RAM_BYTES = 0x1_0000
ENGINE_BASE = 0x9000_0000


class SimulatedSoC(SoCMini):
    """CSRs, RAM at ``RAM_BASE``, the engine at ``ENGINE_BASE``; pins sys_clk, sys_rst and wb_*."""

    def __init__(self):
        platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1)), ("sys_rst", 0, Pins(1))])
        super().__init__(platform, clk_freq=int(1e6))
        self.crg = CRG(platform.request("sys_clk"), rst=platform.request("sys_rst"))
        self.add_ram("ram", RAM_BASE, RAM_BYTES)
        host = wishbone.Interface(data_width=32, addressing="word")
        platform.add_extension(host.get_ios("wb"))
        self.comb += host.connect_to_pads(platform.request("wb"), mode="slave")
        self.bus.add_master("host", host)
        add_celosia(self, ENGINE_BASE)
