"""Activation memories: one per row, with the mask of bytes that are not 0 in every row."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia_hw.cells import cells_of
from celosia_hw.layouts import row_write, word

__all__ = ["ActivationMemory"]


class ActivationMemory(wiring.Component):
    """``rows`` memories of ``act_depth`` words with a common read address and a common write bus.

    A write is taken in the cycle it is offered, one a cycle: `results` first, `inputs` when there
    is no result. It is stored in the next cycle, so that one offered in cycle t can be read with an
    address in cycle t + 2. Beside the rows stands the mask memory: for each word, bit b is the OR
    over the active rows of "byte b is not 0". Each source builds the mask of its current word row
    by row and stores it with ``word_end``.

    Read data and masks stand `celosia.spec.timing.READ_LATENCY` cycles after their address.

    Members
    -------
    results : In(`row_write`), results_en : In(1).
    inputs : In(stream of `row_write`).
    addr : In, data : Out(array of `word` per row).
    mask_addr : In, mask_data : Out(lanes).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "results": In(row_write(config)),
                "results_en": In(1),
                "inputs": In(stream.Signature(row_write(config))),
                "addr": In(range(config.act_depth)),
                "data": Out(data.ArrayLayout(word(config), config.rows)),
                "mask_addr": In(range(config.act_depth)),
                "mask_data": Out(config.lanes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        write = Signal(row_write(config), reset_less=True)
        write_en, of_results = Signal(), Signal()
        row_en = Signal(config.rows)
        coming, coming_en = Signal(row_write(config)), Signal()
        # Of the bytes of an active word, of either source; is it the first row's.
        result_nonzero, input_nonzero = (
            Signal(config.lanes, name=f"{name}_nonzero", reset_less=True)
            for name in ("result", "input")
        )
        first = Signal(reset_less=True)
        m.d.comb += [
            self.inputs.ready.eq(~self.results_en),
            coming_en.eq(self.results_en | self.inputs.valid),
            coming.eq(Mux(self.results_en, self.results, self.inputs.payload)),
        ]
        m.d.sync += [
            write_en.eq(coming_en),
            row_en.eq(Mux(coming_en & coming.active, 1 << coming.row, 0)),
            of_results.eq(self.results_en),
        ]
        with m.If(coming_en):
            m.d.sync += [write.eq(coming), first.eq(coming.row == 0)]
            for nonzero, source in (
                (result_nonzero, self.results),
                (input_nonzero, self.inputs.payload),
            ):
                m.d.sync += nonzero.eq(
                    Cat(source.active & source.data[i].any() for i in range(config.lanes))
                )

        cells = cells_of(platform)
        m.submodules.rows = rows = cells.RowMemories(
            cells.DualPortMemory, config.rows, word(config).size, config.act_depth
        )
        m.d.comb += [
            rows.write_addr.eq(write.dst),
            rows.write_data.eq(write.data),
            rows.write_en.eq(row_en),
            rows.addr.eq(self.addr),
            self.data.eq(rows.data),
        ]

        m.submodules.masks = masks = cells_of(platform).DualPortMemory(
            config.lanes, config.act_depth
        )
        so_far = Signal(config.lanes)
        mask = Signal(config.lanes)
        m.d.comb += [
            mask.eq(Mux(first, 0, so_far) | Mux(of_results, result_nonzero, input_nonzero)),
            masks.write_addr.eq(write.dst),
            masks.write_data.eq(mask),
            masks.write_en.eq(write_en & write.word_end),
            masks.addr.eq(self.mask_addr),
            self.mask_data.eq(masks.data),
        ]
        # Results and inputs interleave, so each keeps the mask of its own unfinished word.
        result_mask, input_mask = Signal(config.lanes), Signal(config.lanes)
        m.d.comb += so_far.eq(Mux(of_results, result_mask, input_mask))
        with m.If(write_en & of_results):
            m.d.sync += result_mask.eq(mask)
        with m.Elif(write_en):
            m.d.sync += input_mask.eq(mask)
        return m
