"""The layers that a drain knows: the open one and the one after it."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import DESCRIPTOR, Config, Op
from celosia_hw.layouts import active_layer, destination, part_of, settings, struct
from celosia_hw.util.of_parity import of_parity

__all__ = ["LayerQueue", "drained_layer"]


def drained_layer(config: Config) -> data.StructLayout:
    """What a drain counts in a layer.

    ``last_row`` : rows with results, less one (in step 0).
    ``dst`` : word for which the mask of the first result is stored.
    ``params`` : parameter word of its first beat.

    In engines with convolution also, of each step (a pixel in every row):

    ``depthwise`` : 1 if a tile is one word, else it has `Config.words_per_tile`.
    ``steps`` : their number.
    ``rows_full`` : steps with all rows; later ones have a row less.
    ``result_row``, ``result_pixel`` : words from a row to the next, from a step to the next.
    """
    fields = {
        "emit": 1,
        "tiles": struct(DESCRIPTOR)["tiles"].shape,
        "dst": range(config.act_depth),
        "params": range(config.param_depth),
        "last_row": range(config.rows),
    }
    if config.convolution:
        names = ("steps", "rows_full", "result_row", "result_pixel")
        fields |= {"depthwise": 1} | dict.fromkeys(names, 16)
    return data.StructLayout(fields)


class LayerQueue(wiring.Component):
    """Holds two layers: what the drain counts of the one that waits, and what those behind the
    drain need of a layer until all its results have arrived.

    The layers have the parities 0, 1, 0, ... A layer that is taken in cycle t waits from t + 1 on,
    in `layer`. It ``opens`` when none is open or the open one ``finishes`` in this cycle: the drain
    has to take `layer` then, and ``parity`` is that of the new one in the next cycle. Until the
    second layer after it is taken, ``cycles`` of a layer are held from t + 1 on, ``settings`` and
    ``destinations`` from t + 2 on; its descriptor must be held in t + 1. So at most two layers may
    be in flight: a layer is offered only when the one before the last has arrived.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `active_layer`).
    finishes : In(1), the last beat of the open layer is decided on.
    layer : Out(`drained_layer`), the layer that waits.
    opens : Out(1).
    parity : Out(1), of the open layer.
    settings : Out(array of two `settings`), by parity.
    claim_parity : In(1).
    cycles : Out, in which a tile of the layer of ``claim_parity`` is drained, in its first step.
    destinations : Out(array of two `destination`), by parity; with convolution only.
    """

    def __init__(self, config: Config):
        self.config = config
        self._row_cycles = config.params_per_tile * config.requantizer_cycles
        ports = {
            "i": In(stream.Signature(active_layer(config))),
            "finishes": In(1),
            "layer": Out(drained_layer(config)),
            "opens": Out(1),
            "parity": Out(1, init=1),
            "settings": Out(settings()).array(2),
            "claim_parity": In(1),
            "cycles": Out(range(config.rows * self._row_cycles + 1)),
        }
        if config.convolution:
            ports["destinations"] = Out(destination(config)).array(2)
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        taken = self._taken(m)
        waits = Signal()
        is_open = Signal()
        next_parity = Signal()  # of the layer that is taken next
        m.d.comb += [
            self.i.ready.eq(~waits),
            self.opens.eq(waits & (~is_open | self.finishes)),
        ]
        with m.If(self.opens):
            m.d.sync += [is_open.eq(1), waits.eq(0), self.parity.eq(~self.parity)]
        with m.Elif(self.finishes):
            m.d.sync += is_open.eq(0)
        take = self.i.valid & self.i.ready
        with m.If(take):
            m.d.sync += [waits.eq(1), self.layer.eq(taken), next_parity.eq(~next_parity)]

        takes = [take & (next_parity == parity) for parity in range(2)]
        self._count_cycles(m, takes, taken)
        # A cycle later, because that a layer is taken is known late, and these are far away.
        later = [Signal(name=f"takes_{parity}") for parity in range(2)]
        m.d.sync += [after.eq(takes_it) for after, takes_it in zip(later, takes, strict=True)]
        descriptor = self.i.payload.descriptor
        for held, takes_it in zip(self.settings, later, strict=True):
            with m.If(takes_it):
                m.d.sync += [held[name].eq(descriptor[name]) for name, _ in settings()]
        if config.convolution:
            self._hold_destinations(m, later)
        return m

    def _count_cycles(self, m: Module, takes: list[Value], taken: data.View) -> None:
        """Hold the rows of both layers; the cycles are a product with a constant."""
        names = ("last_row", "depthwise") if self.config.convolution else ("last_row",)
        layout = data.StructLayout({name: taken.shape()[name].shape for name in names})
        both = [Signal(layout, name=f"rows_{parity}") for parity in range(2)]
        for held, takes_it in zip(both, takes, strict=True):
            with m.If(takes_it):
                m.d.sync += [held[name].eq(taken[name]) for name in names]
        claimed = of_parity(both, self.claim_parity)
        rows = claimed.last_row + 1
        m.d.comb += self.cycles.eq(_times(rows, self._row_cycles))
        if self.config.convolution:
            with m.If(claimed.depthwise):
                m.d.comb += self.cycles.eq(
                    _times(rows, self._row_cycles // self.config.words_per_tile)
                )

    def _taken(self, m: Module) -> data.View:
        """What the drain counts of the layer that is offered."""
        taken = Signal(drained_layer(self.config))
        descriptor = self.i.payload.descriptor
        m.d.comb += [
            *(taken[name].eq(descriptor[name]) for name in ("emit", "tiles", "dst", "params")),
            taken.last_row.eq(self.i.payload.images),
        ]
        if self.config.convolution:
            walk = part_of(descriptor, Op.CONVOLUTION)
            m.d.comb += [
                taken.dst.eq(descriptor.dst + walk.halo),
                taken.depthwise.eq(descriptor.op == Op.DEPTHWISE),
                *(taken[name].eq(walk[name]) for name in ("steps", "result_row", "result_pixel")),
                taken.rows_full.eq(Mux(walk.images, ~0, walk.rows_full)),
            ]
            with m.If(~walk.images):
                m.d.comb += taken.last_row.eq(walk.rows_used - 1)
        return taken

    def _hold_destinations(self, m: Module, takes: list[Value]) -> None:
        """Hold where the results of both layers go."""
        descriptor = self.i.payload.descriptor
        walk = part_of(descriptor, Op.CONVOLUTION)
        for held, takes_it in zip(self.destinations, takes, strict=True):
            with m.If(takes_it):
                m.d.sync += [held.images.eq(walk.images), held.placement.base.eq(descriptor.dst)]
                for name in ("row_words", "halo", "length"):
                    m.d.sync += held.placement[name].eq(walk[name])


def _times(value: Value, factor: int) -> Value:
    """``value * factor`` in shifts and additions, which take no multiplier block."""
    shifts = [n for n in range(factor.bit_length()) if factor >> n & 1]
    return sum((value << n for n in shifts), start=Const(0))
