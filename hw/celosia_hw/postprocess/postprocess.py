"""Postprocessing: the sums of a beat to its bytes."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import drained, finished, settings
from celosia_hw.util.delay import delay
from celosia_hw.util.of_parity import of_parity

from .element_tables import ElementTables, table_ports
from .requantizer import Requantizer

__all__ = ["Postprocess"]


class Postprocess(wiring.Component):
    """`Requantizer`, then `ElementTables`; the beat's tag is delayed beside its bytes.

    One beat per `Config.requantizer_cycles`, `latency` cycles later, never stalled. With multicycle
    requantizers tag and parameters of `i` must be held until its bytes are valid; the tag of `o` is
    that of `i`, not a copy. What is behind this block sees one beat per cycle or fewer with either
    kind. ``store_next`` is 1 when a beat that completes a word to be stored is valid in the next
    cycle.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : of the two blocks together.

    Members
    -------
    i : In(stream of `drained`, always ready).
    settings : In(array of two `settings`), by parity, held while beats of the layer are on their
        way.
    o : Out(stream of `finished`, always ready).
    store_next : Out(1).
    tables : Out(array of `ReadPort`, one for each requantizer); without tables there is none.
    """

    def __init__(self, config: Config):
        self.config = config
        self._requantizer = Requantizer(config)
        self._tables = ElementTables(config)
        self.latency = self._requantizer.latency + self._tables.latency
        super().__init__(
            {
                "i": In(stream.Signature(drained(config), always_ready=True)),
                "settings": In(settings()).array(2),
                "o": Out(stream.Signature(finished(config), always_ready=True)),
                "store_next": Out(1),
                **table_ports(config),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.requantizer = requantizer = self._requantizer
        m.submodules.tables = tables = self._tables
        m.d.comb += [
            requantizer.i.valid.eq(self.i.valid),
            requantizer.i.payload.acc.eq(self.i.payload.acc),
            requantizer.i.payload.parameters.eq(self.i.payload.parameters),
            requantizer.i.payload.parity.eq(self.i.payload.tag.parity),
            *(to.eq(held) for to, held in zip(requantizer.settings, self.settings, strict=True)),
            tables.i.eq(requantizer.o.payload),
        ]
        if self.config.tables:
            for own, port in zip(tables.tables, self.tables, strict=True):
                connect(m, own, flipped(port))

        valid_next = delay(m, requantizer.o.valid, tables.latency - 1, name="looked_up", reset=True)
        # The tags of the beats at the tables, at `o` in the next cycle, and at `o`.
        at_tables = tag_next = tag = self.i.payload.tag
        if not requantizer.multicycle:
            # A tag is narrow, so that there is no enable for it.
            delay_line = cells_of(platform).delay_line
            at_tables = delay_line(m, "tag", at_tables, requantizer.latency)
            tag_next = delay_line(m, "tag_at_tables", at_tables, tables.latency - 1)
            tag = delay(m, tag_next, 1, name="tag_of_o")
        m.d.sync += self.o.valid.eq(valid_next)
        m.d.comb += [
            tables.index.eq(of_parity(self.settings, at_tables.parity).table),
            tables.use.eq(of_parity(self.settings, tag.parity).use_table),
            self.o.payload.tag.eq(tag),
            self.o.payload.data.eq(tables.o),
            self.store_next.eq(
                valid_next & tag_next.whole & of_parity(self.settings, tag_next.parity).store
            ),
        ]
        return m
