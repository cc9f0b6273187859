"""Element tables: any function of one activation byte."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.timing import READ_LATENCY, TABLES_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import beat

__all__ = ["ElementTables"]


class ElementTables(wiring.Component):
    """``o[b] = table[index][i[b]]`` for every byte of a beat, or ``o = i`` when ``use`` is 0.

    Each byte has its own copy of the ``tables`` x 256 entries, so that all look up at once. One
    beat per cycle, `celosia.spec.timing.TABLES_LATENCY` later, never stalled. ``use`` and ``index``
    must hold while beats are on their way. Without tables only registers remain.

    Members
    -------
    i, o : In, Out(`beat`); use : In(1); index : In(4)
    write_addr, write_data, write_en : In, one entry of all copies.
    read : In(1), look up `write_addr` instead of a beat; read_data : Out(8), as late.
    """

    def __init__(self, config: Config):
        self.config = config
        addresses = range(max(256 * config.tables, 2))
        super().__init__(
            {
                "i": In(beat(config)),
                "use": In(1),
                "index": In(4),
                "o": Out(beat(config)),
                "write_addr": In(addresses),
                "write_data": In(8),
                "write_en": In(1),
                "read": In(1),
                "read_data": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        assert TABLES_LATENCY == READ_LATENCY
        plain = self.i
        for stage in range(TABLES_LATENCY):
            later = Signal(beat(self.config), name=f"plain_{stage}", reset_less=True)
            m.d.sync += later.eq(plain)
            plain = later
        m.d.comb += self.o.eq(plain)
        if not self.config.tables:
            return m
        for lane in range(self.config.requantizers):
            copy = cells_of(platform).DualPortMemory(8, 256 * self.config.tables)
            m.submodules[f"lane_{lane}"] = copy
            looked_up = Cat(self.i[lane], self.index)
            m.d.comb += [
                copy.write_addr.eq(self.write_addr),
                copy.write_data.eq(self.write_data),
                copy.write_en.eq(self.write_en),
                copy.addr.eq(Mux(self.read, self.write_addr, looked_up) if not lane else looked_up),
            ]
            with m.If(self.use):
                m.d.comb += self.o[lane].eq(copy.data)
            if not lane:
                m.d.comb += self.read_data.eq(copy.data)
        return m
