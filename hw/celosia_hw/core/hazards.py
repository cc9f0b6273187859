"""Hazards: layers in flight, and how much of the older one's results has arrived."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia_hw.layouts import hazard

__all__ = ["Hazards"]


class Hazards(wiring.Component):
    """Follows up to two layers in flight, from their start to their arrival at the memories.

    ``stored`` counts the words of the older layer that are complete in every row: it is 0 in the
    cycle after a layer becomes the older one and follows ``word_done`` by a cycle. All of `hazard`
    is registered. A layer that starts in the cycle in which another is done is counted correctly.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    start : In(1), a layer starts; not while two are in flight.
    last : In(1), that layer is its run's last.
    word_done : In(1), a word of the older layer is complete in every row.
    layer_done : In(1), the older layer has arrived, with the word of this cycle.
    hazard : Out(`hazard`).
    in_flight : Out(range(3)).
    run_done : Out(1), the layer that arrives in this cycle is its run's last.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "last": In(1),
                "word_done": In(1),
                "layer_done": In(1),
                "hazard": Out(hazard(config)),
                "in_flight": Out(range(3)),
                "run_done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Whether the older and the newer layer in flight is its run's last.
        older_last = Signal()
        newer_last = Signal()
        stored = self.hazard.stored
        m.d.comb += [
            self.hazard.active.eq(self.in_flight == 2),
            self.run_done.eq(self.layer_done & older_last),
        ]
        with m.If(self.layer_done):
            m.d.sync += [stored.eq(0), older_last.eq(newer_last)]
        with m.Elif(self.word_done):
            m.d.sync += stored.eq(stored + 1)
        with m.If(self.start):
            with m.If(self.in_flight == self.layer_done):
                m.d.sync += older_last.eq(self.last)
            m.d.sync += newer_last.eq(self.last)
        m.d.sync += self.in_flight.eq(self.in_flight + self.start - self.layer_done)
        return m
