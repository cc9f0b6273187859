"""Feeder: layers and masks in, one k after the other out."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.layouts import active_layer, hazard, issue, origins
from celosia_hw.util.read_port import ReadPort

from .origins import Origins
from .scanner import Scanner
from .walker import Walker

__all__ = ["Feeder"]


class Feeder(wiring.Component):
    """`Scanner` and `Walker`: every k of a layer whose byte is not 0 in every row, one a cycle.

    A k is an `issue`: byte ``byte`` of activation word ``src`` times weight word ``weights``.
    `Scanner` says when steps are made and `Walker` when they are issued. With convolution each row
    has an address of its own, ``offset`` behind its origin (`Origins`), and of depthwise layers a k
    is a word.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `active_layer`); the descriptor must be held for one more cycle.
    masks : Out(`ReadPort` of ``lanes`` bits).
    hazard : In(`hazard`).
    drain_free : In(1), one more tile may be finished.
    claim : Out(1), a tile is finished: its last k is issued in the next cycle.
    claim_parity : Out(1), of the layer of the tile that is walked.
    o : Out(stream of `issue`, always ready).
    origins : Out(`origins`), of the issue in this cycle; with convolution only.
    skipped : Out, k that were dropped.
    stall_data : Out(1), waiting for results in this cycle.
    stall_drain : Out(1), waiting for `drain_free` in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "masks": Out(ReadPort(config.act_depth, config.lanes)),
                "hazard": In(hazard(config)),
                "drain_free": In(1),
                "claim": Out(1),
                "claim_parity": Out(1),
                "o": Out(stream.Signature(issue(config), always_ready=True)),
                "skipped": Out(range(config.lanes + 1)),
                "stall_data": Out(1),
                "stall_drain": Out(1),
                **({"origins": Out(origins(config))} if config.convolution else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.scanner = scanner = Scanner(self.config)
        m.submodules.walker = walker = Walker(self.config)
        if self.config.convolution:
            self._origins(m, scanner, walker)
        else:
            connect(m, flipped(self.i), scanner.i)
        connect(m, scanner.masks, flipped(self.masks))
        connect(m, scanner.o, walker.i)
        connect(m, walker.o, flipped(self.o))
        m.d.comb += [
            scanner.hazard.eq(self.hazard),
            walker.drain_free.eq(self.drain_free),
            self.claim.eq(walker.claim),
            self.claim_parity.eq(walker.claim_parity),
            self.skipped.eq(scanner.skipped),
            self.stall_data.eq(scanner.stalled),
            self.stall_drain.eq(walker.stalled),
        ]
        return m

    def _origins(self, m: Module, scanner: Scanner, walker: Walker) -> None:
        """A layer goes to scanner and origins in the same cycle."""
        m.submodules.origins = of_rows = Origins(self.config)
        m.d.comb += [
            scanner.i.payload.eq(self.i.payload),
            of_rows.i.payload.eq(self.i.payload),
            scanner.i.valid.eq(self.i.valid & of_rows.i.ready),
            of_rows.i.valid.eq(self.i.valid & scanner.i.ready),
            self.i.ready.eq(scanner.i.ready & of_rows.i.ready),
            of_rows.next.eq(walker.o.valid & walker.o.payload.step_end),
            walker.origins_ready.eq(of_rows.ready),
            self.origins.eq(of_rows.o),
        ]
