"""The engine in a LiteX SoC: registers on its bus, and two DMAs for the streams.

For LiteX 2024.12; celosia_axi.v: ``celosia verilog --axi --link-bytes 4 -o .``
"""

from litex.gen import LiteXModule
from litex.soc.cores.dma import WishboneDMAReader, WishboneDMAWriter
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import axi, wishbone
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal


class Celosia(LiteXModule):
    def __init__(self, platform, verilog="celosia_axi.v"):
        self.bus = bus = axi.AXILiteInterface(data_width=32, address_width=32)
        # LiteX's "big" keeps byte 0 of a word in its low bits; its default swaps the bytes.
        dma = dict(endianness="big", with_csr=True)
        self.reader = reader = WishboneDMAReader(wishbone.Interface(), **dma)
        self.writer = writer = WishboneDMAWriter(wishbone.Interface(), **dma)
        self.ev = EventManager()
        self.ev.response = EventSourceLevel()
        self.ev.finalize()
        pins = dict(
            i_aclk=ClockSignal("sys"),
            i_aresetn=~ResetSignal("sys"),
            o_irq=self.ev.response.trigger,
            i_s_axis_tdata=reader.source.data,
            i_s_axis_tkeep=0xF,
            i_s_axis_tlast=reader.source.last,
            i_s_axis_tvalid=reader.source.valid,
            o_s_axis_tready=reader.source.ready,
            o_m_axis_tdata=writer.sink.data,
            o_m_axis_tlast=writer.sink.last,
            o_m_axis_tvalid=writer.sink.valid,
            i_m_axis_tready=writer.sink.ready,
        )
        for name, inputs, outputs in (
            ("aw", ["addr", "valid"], ["ready"]),
            ("w", ["data", "strb", "valid"], ["ready"]),
            ("b", ["ready"], ["resp", "valid"]),
            ("ar", ["addr", "valid"], ["ready"]),
            ("r", ["ready"], ["data", "resp", "valid"]),
        ):
            channel = getattr(bus, name)
            pins |= {f"i_s_axil_{name}{pin}": getattr(channel, pin) for pin in inputs}
            if "addr" in inputs:
                pins[f"i_s_axil_{name}addr"] = channel.addr[:12]
            pins |= {f"o_s_axil_{name}{pin}": getattr(channel, pin) for pin in outputs}
        self.specials += Instance("celosia_axi", **pins)
        platform.add_source(verilog)


def add_celosia(soc, origin=0x9000_0000):
    soc.celosia = celosia = Celosia(soc.platform)
    soc.bus.add_slave("celosia", celosia.bus, SoCRegion(origin, 0x1000, cached=False))
    soc.bus.add_master("celosia_reader", celosia.reader.bus)
    soc.bus.add_master("celosia_writer", celosia.writer.bus)
    if soc.irq.enabled:
        soc.irq.add("celosia", use_loc_if_exists=True)
