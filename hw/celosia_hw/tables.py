"""Element tables: any function of one activation byte."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config

from .layouts import word

__all__ = ["ElementTables"]


class ElementTables(wiring.Component):
    """``o[b] = table[index][i[b]]`` for every byte of a word, or ``o = i`` when ``use`` is 0.

    Each lane has its own copy of the ``tables`` x 256 entries, so that all look up at once. One
    word per cycle, `celosia.spec.timing.TABLES_LATENCY` later, never stalled. ``use`` and ``index``
    must hold while words are on their way. Without tables only the register remains.

    Members
    -------
    i, o : In, Out(`word`); use : In(1); index : In; en : In(1), only saves work: `o` is
        meaningless for an `i` without it.
    write_addr, write_data, write_en : In, one entry of all copies.
    read : In(1), look up `write_addr` instead of a word; read_data : Out(8), one cycle later.
    """

    def __init__(self, config: Config):
        self.config = config
        addresses = range(max(256 * config.tables, 2))
        super().__init__(
            {
                "i": In(word(config)),
                "en": In(1),
                "use": In(1),
                "index": In(4),
                "o": Out(word(config)),
                "write_addr": In(addresses),
                "write_data": In(8),
                "write_en": In(1),
                "read": In(1),
                "read_data": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plain = Signal(word(self.config))
        with m.If(self.en):
            m.d.sync += plain.eq(self.i)
        m.d.comb += self.o.eq(plain)
        if not self.config.tables:
            return m
        for lane in range(self.config.lanes):
            m.submodules[f"lane_{lane}"] = copy = memory.Memory(
                shape=8, depth=256 * self.config.tables, init=[]
            )
            write_port, read_port = copy.write_port(), copy.read_port()
            m.d.comb += [
                write_port.addr.eq(self.write_addr),
                write_port.data.eq(self.write_data),
                write_port.en.eq(self.write_en),
                read_port.addr.eq(Cat(self.i[lane], self.index)),
                read_port.en.eq((self.en & self.use) | self.read),
            ]
            with m.If(self.use):
                m.d.comb += self.o[lane].eq(read_port.data)
            if lane == 0:
                m.d.comb += self.read_data.eq(read_port.data)
                with m.If(self.read):
                    m.d.comb += read_port.addr.eq(self.write_addr)
        return m
