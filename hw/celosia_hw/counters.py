"""Performance counters: what the engine did with its cycles."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import COUNTERS, Config

from .layouts import events, struct

__all__ = ["Counters"]


class Counters(wiring.Component):
    """Adds up `events`, and the cycles themselves.

    An event of cycle t is counted in cycle t + 1 and visible in t + 2; a cycle is counted in itself
    and visible in the next. While ``hold`` is 1 nothing is counted. ``clear`` sets all to 0 two
    cycles later and wins over everything. They have ``counter_bits`` and wrap. ``stall_input``
    counts cycles in which an input is being received and no layer is in flight.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    events : In(`celosia_hw.layouts.events`).
    receiving : In(1), an input is being received.
    hold : In(1).
    clear : In(1).
    o : Out(`celosia.spec.COUNTERS`).
    """

    def __init__(self, config: Config):
        self.bits = config.counter_bits
        super().__init__(
            {
                "events": In(events(config)),
                "receiving": In(1),
                "hold": In(1),
                "clear": In(1),
                "o": Out(struct(COUNTERS)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        happened = {name: self.events[name] for name, _ in self.events.shape()}
        happened["stall_input"] = self.receiving & ~self.events.busy
        amounts = {"cycles": 1}
        for name, amount in happened.items():
            # Registers, to keep the adders off the path of the events.
            amounts[name] = Signal(Value.cast(amount).shape(), name=f"{name}_amount")
            m.d.sync += amounts[name].eq(amount)
        clear = Signal()
        m.d.sync += clear.eq(self.clear)
        for name, amount in amounts.items():
            # Registers of their own: in one packed register each would straddle its neighbours.
            count = Signal(self.bits, name=name)
            m.d.comb += self.o[name].eq(count)
            with m.If(clear):
                m.d.sync += count.eq(0)
            with m.Elif(~self.hold):
                m.d.sync += count.eq(count + amount)
        return m
