"""Mask memory: which bytes of an activation word are 0 in every row."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import row_write
from celosia_hw.util.read_port import ReadPort

__all__ = ["Masks"]


class Masks(wiring.Component):
    """For each word, bit b is the OR over the active rows of "byte b is not 0".

    Each of the two sources of writes builds the mask of its current word row by row. A write that
    is taken in cycle t with ``word_end`` stores the mask at its ``dst`` in t + 1; it can be read
    with an address in t + 2. Data follow their address by `celosia.spec.timing.READ_LATENCY`
    cycles.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    taken : In(1), a write is taken in this cycle.
    of_results : In(1), it is `results`; else `inputs`.
    results, inputs : In(`row_write`).
    o : In(`ReadPort` of ``lanes`` bits).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "taken": In(1),
                "of_results": In(1),
                "results": In(row_write(config)),
                "inputs": In(row_write(config)),
                "o": In(ReadPort(config.act_depth, config.lanes)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.config.lanes
        m.submodules.storage = storage = cells_of(platform).DualPortMemory(
            lanes, self.config.act_depth
        )
        result_nonzero = self._nonzero(m, self.results, "result_nonzero")
        input_nonzero = self._nonzero(m, self.inputs, "input_nonzero")
        # The write that is stored in this cycle.
        write_en = Signal()
        of_results = Signal()
        first = Signal(reset_less=True)  # it is the first row of its word
        dst = Signal(range(self.config.act_depth), reset_less=True)
        word_end = Signal(reset_less=True)
        m.d.sync += [write_en.eq(self.taken), of_results.eq(self.of_results)]
        taken = Signal(row_write(self.config))
        m.d.comb += taken.eq(Mux(self.of_results, self.results, self.inputs))
        with m.If(self.taken):
            m.d.sync += [first.eq(taken.row == 0), dst.eq(taken.dst), word_end.eq(taken.word_end)]
        # Results and inputs interleave, so each keeps the mask of its own unfinished word.
        result_mask = Signal(lanes)
        input_mask = Signal(lanes)
        so_far = Signal(lanes)
        mask = Signal(lanes)
        m.d.comb += [
            so_far.eq(Mux(of_results, result_mask, input_mask)),
            mask.eq(Mux(first, 0, so_far) | Mux(of_results, result_nonzero, input_nonzero)),
            storage.write_addr.eq(dst),
            storage.write_data.eq(mask),
            storage.write_en.eq(write_en & word_end),
            storage.addr.eq(self.o.addr),
            self.o.data.eq(storage.data),
        ]
        with m.If(write_en & of_results):
            m.d.sync += result_mask.eq(mask)
        with m.Elif(write_en):
            m.d.sync += input_mask.eq(mask)
        return m

    def _nonzero(self, m: Module, write: data.View, name: str) -> Signal:
        """Register which bytes of an active write are not 0."""
        nonzero = Signal(self.config.lanes, name=name, reset_less=True)
        with m.If(self.taken):
            m.d.sync += nonzero.eq(
                Cat(write.active & write.data[lane].any() for lane in range(self.config.lanes))
            )
        return nonzero
