"""Postprocessing: the sums of a beat to its bytes."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.layouts import drained, finished, settings
from celosia_hw.util.delay import delay, delay_valid

from .element_tables import ElementTables, table_ports
from .requantizer import Requantizer

__all__ = ["Postprocess"]


class Postprocess(wiring.Component):
    """`Requantizer`, then `ElementTables`; the beat's tag is delayed beside its bytes.

    One beat per `Config.requantizer_cycles`, `latency` cycles later, never stalled. With multicycle
    requantizers tag and parameters of `i` must be held until its bytes are valid; the tag of `o` is
    that of `i`, not a copy. What is behind this block sees one beat per cycle or fewer with either
    kind. ``word_next`` is 1 when a beat that completes a word is valid in the next cycle.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : of the two blocks together.

    Members
    -------
    i : In(stream of `drained`, always ready).
    settings : In(`settings`), held while beats are on their way.
    o : Out(stream of `finished`, always ready).
    word_next : Out(1).
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
                "settings": In(settings()),
                "o": Out(stream.Signature(finished(config), always_ready=True)),
                "word_next": Out(1),
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
            requantizer.settings.eq(self.settings),
            tables.i.eq(requantizer.o.payload),
            tables.use.eq(self.settings.use_table),
            tables.index.eq(self.settings.table),
        ]
        if self.config.tables:
            for own, port in zip(tables.tables, self.tables, strict=True):
                connect(m, own, flipped(port))

        valid_next = delay(m, requantizer.o.valid, tables.latency - 1, name="looked_up", reset=True)
        tag_next = tag = self.i.payload.tag
        if not requantizer.multicycle:
            tag_next, tag_valid = delay_valid(
                m, tag_next, self.i.valid, self.latency - 1, name="tag"
            )
            tag, _ = delay_valid(m, tag_next, tag_valid, 1, name="tag_of_o")
        m.d.sync += self.o.valid.eq(valid_next)
        m.d.comb += [
            self.o.payload.tag.eq(tag),
            self.o.payload.data.eq(tables.o),
            self.word_next.eq(valid_next & tag_next.whole),
        ]
        return m
