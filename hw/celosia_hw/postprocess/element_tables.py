"""Element tables: any function of one activation byte."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import DESCRIPTOR, Config
from celosia.spec.timing import READ_LATENCY, TABLES_LATENCY
from celosia_hw.layouts import beat, struct
from celosia_hw.util.delay import delay
from celosia_hw.util.read_port import ReadPort

__all__ = ["ElementTables"]


class ElementTables(wiring.Component):
    """``o[b] = table[index][i[b]]`` for every byte of a beat, or ``o = i`` when ``use`` is 0.

    All bytes look up at once, each in its own copy of the ``tables`` x 256 entries. One beat per
    cycle, `celosia.spec.timing.TABLES_LATENCY` cycles later, never stalled. ``index`` is of the
    beat at `i`, ``use`` of the one at `o`. An engine without tables has registers only.
    Bit-exact with `celosia.numerics.table.apply_table`.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : `TABLES_LATENCY`.

    Members
    -------
    i : In(`beat`).
    use : In(1).
    index : In.
    o : Out(`beat`).
    tables : Out(array of `ReadPort`, one for each requantizer); without tables there is none.
    """

    latency = TABLES_LATENCY

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(beat(config)),
                "use": In(1),
                "index": In(struct(DESCRIPTOR)["table"].shape),
                "o": Out(beat(config)),
                **table_ports(config),
            }
        )

    def elaborate(self, platform):
        m = Module()
        assert TABLES_LATENCY == READ_LATENCY
        m.d.comb += self.o.eq(delay(m, self.i, TABLES_LATENCY, name="plain"))
        if self.config.tables:
            for lane, port in enumerate(self.tables):
                m.d.comb += port.addr.eq(Cat(self.i[lane], self.index))
                with m.If(self.use):
                    m.d.comb += self.o[lane].eq(port.data)
        return m


def table_ports(config: Config) -> dict[str, wiring.Member]:
    """Member ``tables`` of a block that looks up: a port for each requantizer, if there are any."""
    if not config.tables:
        return {}
    return {"tables": Out(ReadPort(256 * config.tables, 8)).array(config.requantizers)}
