"""Activation memory of engines with dense layers only: all rows have one address."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, connect, flipped

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import row_write, word
from celosia_hw.util.read_port import ReadPort

from .masks import Masks

__all__ = ["ActivationMemory", "take_one"]


class ActivationMemory(wiring.Component):
    """``rows`` memories of ``act_depth`` words with a common read address and a common write bus.

    One write a cycle: `results` first, `inputs` when there is none. A write that is taken in cycle
    t is stored in t + 1 and can be read with an address in t + 2. ``inputs.ready`` is a register:
    0 in the cycle after ``result_next``.

    Beside the rows there are the `Masks` of their words. Data and masks follow their address by
    `celosia.spec.timing.READ_LATENCY` cycles.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    results : In(stream of `row_write`, always ready).
    result_next : In(1), `results` is valid in the next cycle.
    inputs : In(stream of `row_write`).
    rows : In(`ReadPort` of one `word` per row).
    masks : In(`ReadPort` of ``lanes`` bits).
    """

    def __init__(self, config: Config):
        self.config = config
        rows = data.ArrayLayout(word(config), config.rows)
        super().__init__(
            {
                "results": In(stream.Signature(row_write(config), always_ready=True)),
                "result_next": In(1),
                "inputs": In(stream.Signature(row_write(config))),
                "rows": In(ReadPort(config.act_depth, rows)),
                "masks": In(ReadPort(config.act_depth, config.lanes)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, cells = self.config, cells_of(platform)
        m.submodules.rows = rows = cells.RowMemories(
            cells.DualPortMemory, config.rows, word(config).size, config.act_depth
        )
        m.submodules.masks = masks = Masks(config)
        taken, taken_en = take_one(m, self)
        connect(m, flipped(self.masks), masks.o)
        m.d.comb += [
            masks.taken.eq(taken_en),
            masks.of_results.eq(self.results.valid),
            masks.results.eq(self.results.payload),
            masks.inputs.eq(self.inputs.payload),
        ]
        # The write that is stored in this cycle.
        write = Signal(row_write(config), reset_less=True)
        row_en = Signal(config.rows)
        m.d.sync += row_en.eq(Mux(taken_en & taken.active, 1 << taken.row, 0))
        with m.If(taken_en):
            m.d.sync += write.eq(taken)
        m.d.comb += [
            rows.write_addr.eq(write.dst),
            rows.write_data.eq(write.data),
            rows.write_en.eq(row_en),
            rows.addr.eq(self.rows.addr),
            self.rows.data.eq(rows.data),
        ]
        return m


def take_one(m: Module, memory: wiring.Component) -> tuple[Signal, Signal]:
    """Take one write a cycle for ``memory``: of `results` if there is one, else of `inputs`.

    Returns the write and 1 when there is one. ``inputs.ready`` is a register, 0 in the cycle after
    ``result_next``.
    """
    results, inputs = memory.results, memory.inputs
    ready = Signal(init=1)
    m.d.sync += ready.eq(~memory.result_next)
    taken = Signal(results.payload.shape(), name="taken")
    taken_en = Signal()
    m.d.comb += [
        inputs.ready.eq(ready),
        taken_en.eq(results.valid | inputs.valid),
        taken.eq(Mux(results.valid, results.payload, inputs.payload)),
    ]
    return taken, taken_en
