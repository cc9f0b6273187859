"""Activation memory: a bank per row, with the mask of bytes that are not 0 in every row."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import row_write, word
from celosia_hw.util.read_port import ReadPort

__all__ = ["ActivationMemory"]


class ActivationMemory(wiring.Component):
    """``rows`` memories of ``act_depth`` words with a common read address and a common write bus.

    One write a cycle: `results` first, `inputs` when there is none. A write that is taken in cycle
    t is stored in t + 1 and can be read with an address in t + 2. ``inputs.ready`` is a register:
    0 in the cycle after ``result_next``.

    Beside the rows there is the mask memory: for each word, bit b is the OR over the active rows of
    "byte b is not 0". Each source builds the mask of its current word row by row and stores it with
    ``word_end``. Data and masks follow their address by `celosia.spec.timing.READ_LATENCY` cycles.

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
        m.submodules.masks = masks = cells.DualPortMemory(config.lanes, config.act_depth)

        ready = Signal(init=1)
        m.d.sync += ready.eq(~self.result_next)
        taken = Signal(row_write(config))
        taken_en = Signal()
        m.d.comb += [
            self.inputs.ready.eq(ready),
            taken_en.eq(self.results.valid | self.inputs.valid),
            taken.eq(Mux(self.results.valid, self.results.payload, self.inputs.payload)),
        ]
        # The write that is stored in this cycle.
        write = Signal(row_write(config), reset_less=True)
        write_en = Signal()
        row_en = Signal(config.rows)
        of_results = Signal()
        m.d.sync += [
            write_en.eq(taken_en),
            row_en.eq(Mux(taken_en & taken.active, 1 << taken.row, 0)),
            of_results.eq(self.results.valid),
        ]
        with m.If(taken_en):
            m.d.sync += write.eq(taken)
        m.d.comb += [
            rows.write_addr.eq(write.dst),
            rows.write_data.eq(write.data),
            rows.write_en.eq(row_en),
            rows.addr.eq(self.rows.addr),
            self.rows.data.eq(rows.data),
            masks.write_addr.eq(write.dst),
            masks.write_data.eq(self._mask(m, taken_en, write_en, of_results)),
            masks.write_en.eq(write_en & write.word_end),
            masks.addr.eq(self.masks.addr),
            self.masks.data.eq(masks.data),
        ]
        return m

    def _mask(self, m: Module, taken_en: Value, write_en: Value, of_results: Value) -> Value:
        """The mask of the word being written, up to the row that is stored in this cycle."""
        lanes = self.config.lanes
        result_nonzero = self._nonzero(m, taken_en, self.results.payload, "result_nonzero")
        input_nonzero = self._nonzero(m, taken_en, self.inputs.payload, "input_nonzero")
        first = Signal(reset_less=True)  # it is the first row of its word
        with m.If(taken_en):
            row = Mux(self.results.valid, self.results.payload.row, self.inputs.payload.row)
            m.d.sync += first.eq(row == 0)
        # Results and inputs interleave, so each keeps the mask of its own unfinished word.
        result_mask = Signal(lanes)
        input_mask = Signal(lanes)
        so_far = Signal(lanes)
        mask = Signal(lanes)
        m.d.comb += [
            so_far.eq(Mux(of_results, result_mask, input_mask)),
            mask.eq(Mux(first, 0, so_far) | Mux(of_results, result_nonzero, input_nonzero)),
        ]
        with m.If(write_en & of_results):
            m.d.sync += result_mask.eq(mask)
        with m.Elif(write_en):
            m.d.sync += input_mask.eq(mask)
        return mask

    def _nonzero(self, m: Module, taken_en: Value, write: data.View, name: str) -> Signal:
        """Register which bytes of an active write are not 0."""
        nonzero = Signal(self.config.lanes, name=name, reset_less=True)
        with m.If(taken_en):
            m.d.sync += nonzero.eq(
                Cat(write.active & write.data[lane].any() for lane in range(self.config.lanes))
            )
        return nonzero
