"""Hazards: layers in flight, and the words that the older one has still to write."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia_hw.layouts import hazard

__all__ = ["Hazards", "written_range"]


def written_range(config: Config) -> data.StructLayout:
    """The words ``start <= word < end`` that a layer writes; ``last``: it is its run's last."""
    return data.StructLayout(
        {
            "start": range(config.act_depth + 1),
            "end": range(config.act_depth + 1),
            "last": 1,
        }
    )


class Hazards(wiring.Component):
    """Follows up to two layers in flight, from their start to their arrival at the memories.

    While there are two, `hazard` is the range of words that the older one has still to write: its
    start moves up as words are complete. All of it is registered. A layer that starts in the cycle
    in which another is done is counted correctly.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    start : In(1), a layer starts; not while two are in flight.
    started : In(`written_range`), of that layer.
    word_done : In(1), the older layer's word ``word_dst`` is complete in every row.
    word_dst : In.
    layer_done : In(1), the older layer has arrived.
    hazard : Out(`hazard`).
    in_flight : Out(range(3)).
    run_done : Out(1), the layer that arrives in this cycle is its run's last.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "started": In(written_range(config)),
                "word_done": In(1),
                "word_dst": In(range(config.act_depth)),
                "layer_done": In(1),
                "hazard": Out(hazard(config)),
                "in_flight": Out(range(3)),
                "run_done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        older = Signal(written_range(self.config))
        newer = Signal(written_range(self.config))
        m.d.comb += [
            self.hazard.active.eq(self.in_flight == 2),
            self.hazard.start.eq(older.start),
            self.hazard.end.eq(older.end),
            self.run_done.eq(self.layer_done & older.last),
        ]
        with m.If(self.word_done):
            m.d.sync += older.start.eq(self.word_dst + 1)
        with m.If(self.layer_done):
            m.d.sync += older.eq(newer)
        with m.If(self.start):
            with m.If(self.in_flight == self.layer_done):
                m.d.sync += older.eq(self.started)
            m.d.sync += newer.eq(self.started)
        m.d.sync += self.in_flight.eq(self.in_flight + self.start - self.layer_done)
        return m
