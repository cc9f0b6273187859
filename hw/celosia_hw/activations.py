"""Activation memories: one per row, with the mask of bytes that are not 0 in every row."""

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config

from .cells import cells_of
from .layouts import word

__all__ = ["ActivationMemory", "row_write"]


def row_write(config: Config) -> data.StructLayout:
    """One word for one row. ``active`` 0: nothing is stored. Rows come in order for each word, and
    ``word_end`` marks the last one."""
    return data.StructLayout(
        {
            "row": range(config.rows),
            "active": 1,
            "dst": range(config.act_depth),
            "word_end": 1,
            "data": word(config),
        }
    )


class ActivationMemory(wiring.Component):
    """``rows`` memories of ``act_depth`` words with a common read address and a common write bus.

    A write happens in the cycle it is offered, one a cycle: `results` first, `inputs` when there
    is no result. Beside them stands the mask memory: for each word, bit b is the OR over the
    active rows of "byte b is not 0". Each source builds the mask of its current word row by row
    and stores it with ``word_end``.

    Read data stand `celosia.spec.timing.READ_LATENCY` cycles after the address, masks one cycle
    after theirs. A read in the cycle of a write to the same word gives the old contents.

    Members
    -------
    results : In(`row_write`), results_en : In(1).
    inputs : In(stream of `row_write`).
    addr : In, data : Out(array of `word` per row).
    mask_addr, mask_en : In, mask_data : Out(lanes).
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
                "mask_en": In(1),
                "mask_data": Out(config.lanes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        write = Signal(row_write(config))
        write_en = Signal()
        m.d.comb += [
            self.inputs.ready.eq(~self.results_en),
            write.eq(Mux(self.results_en, self.results.as_value(), self.inputs.payload.as_value())),
            write_en.eq(self.results_en | self.inputs.valid),
        ]

        for row in range(config.rows):
            m.submodules[f"row_{row}"] = storage = cells_of(platform).DualPortMemory(
                word(config).size, config.act_depth
            )
            m.d.comb += [
                storage.write_addr.eq(write.dst),
                storage.write_data.eq(write.data),
                storage.write_en.eq(write_en & write.active & (write.row == row)),
                storage.addr.eq(self.addr),
                self.data[row].eq(storage.data),
            ]

        m.submodules.masks = masks = memory.Memory(
            shape=config.lanes, depth=config.act_depth, init=[]
        )
        mask_write, mask_read = masks.write_port(), masks.read_port()
        nonzero = Cat(byte.any() for byte in (write.data[i] for i in range(config.lanes)))
        so_far = Signal(config.lanes)
        mask = Signal(config.lanes)
        m.d.comb += [
            mask.eq(Mux(write.row == 0, 0, so_far) | Mux(write.active, nonzero, 0)),
            mask_write.addr.eq(write.dst),
            mask_write.data.eq(mask),
            mask_write.en.eq(write_en & write.word_end),
            mask_read.addr.eq(self.mask_addr),
            mask_read.en.eq(self.mask_en),
            self.mask_data.eq(mask_read.data),
        ]
        # Results and inputs interleave, so each keeps the mask of its own unfinished word.
        result_mask, input_mask = Signal(config.lanes), Signal(config.lanes)
        m.d.comb += so_far.eq(Mux(self.results_en, result_mask, input_mask))
        with m.If(self.results_en):
            m.d.sync += result_mask.eq(mask)
        with m.Elif(self.inputs.valid):
            m.d.sync += input_mask.eq(mask)
        return m
