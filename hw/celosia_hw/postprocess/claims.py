"""Claims: when a tile may be finished, although tiles before it have still to be drained."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.timing import CLAIM_LATENCY

__all__ = ["Claims", "claim_latency"]


def claim_latency(config: Config) -> int:
    """Cycles from a tile's claim to its first beat: `celosia.spec.timing.CLAIM_LATENCY`, one more
    where rows add addresses of their own."""
    return CLAIM_LATENCY + config.convolution


class Claims(wiring.Component):
    """``free`` when a tile that is claimed now will be captured after all claimed before it have
    left the chain.

    The first beat of a tile is decided on `latency` cycles after its claim at the earliest, and
    beats follow each other at a fixed pace unless the drain waits for the host. So the cycles until
    all claimed tiles have been drained are counted down, except while ``stalled``. A claim is
    allowed when they are 0, or when they are at most `latency` and the drain can not stall in them,
    because there is ``room`` for the results. So tiles can be claimed every ``cycles`` cycles.

    ``free`` is a register, and 1 after a reset.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : `claim_latency`.

    Members
    -------
    claim : In(1), only while ``free`` is 1.
    cycles : In, in which the tile that is claimed is drained, at least 1.
    stalled : In(1), a beat waits for the host in this cycle.
    room : In(1), the result queue has room for `latency` words more than `credit` asks for; see
        `Writeback`.
    free : Out(1).
    """

    def __init__(self, config: Config):
        self.config = config
        self.latency = claim_latency(config)
        longest = config.rows * config.params_per_tile * config.requantizer_cycles
        self._ahead = range(self.latency + longest)
        super().__init__(
            {
                "claim": In(1),
                "cycles": In(range(longest + 1)),
                "stalled": In(1),
                "room": In(1),
                "free": Out(1, init=1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        latency = self.latency
        ahead = Signal(self._ahead)
        # Of the next cycle: at most `latency`, and 0.
        near = Signal()
        drained = Signal()
        m.d.comb += [
            near.eq(ahead <= Mux(self.stalled, latency, latency + 1)),
            drained.eq(ahead <= Mux(self.stalled, 0, 1)),
        ]
        with m.If(self.claim):
            m.d.comb += [near.eq(self.cycles == 1), drained.eq(0)]
            m.d.sync += ahead.eq(self.cycles + (latency - 1))
        with m.Elif((ahead != 0) & ~self.stalled):
            m.d.sync += ahead.eq(ahead - 1)
        m.d.sync += self.free.eq(near & (drained | self.room))
        return m
