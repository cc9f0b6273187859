"""Activation memory of engines with convolution: each row has addresses of its own."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, connect, flipped

from celosia.spec import Config, ceil_div
from celosia.spec.timing import PLACEMENT_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import row_write, word
from celosia_hw.util.delay import delay_valid
from celosia_hw.util.read_port import ReadPort

from .activations import take_one
from .masks import Masks
from .placer import Placer

__all__ = ["StripeMemory"]


class StripeMemory(wiring.Component):
    """``rows`` memories of ``act_depth`` words, each read at an address of its own; a word that is
    written goes to every row that keeps it (`Placer`).

    One write a cycle: `results` first, `inputs` when there is none. A write that is taken in cycle
    t is stored in t + 1 + `PLACEMENT_LATENCY` and can be read with an address in the cycle after;
    its mask (`Masks`) is stored in t + 1. ``inputs.ready`` is a register: 0 in the cycle after
    ``result_next``. Data and masks follow their address by `celosia.spec.timing.READ_LATENCY`
    cycles.

    Parameters
    ----------
    config : the engine's configuration, with convolution.

    Members
    -------
    results : In(stream of `row_write`, always ready).
    result_next : In(1), `results` is valid in the next cycle.
    inputs : In(stream of `row_write`).
    rows : In(array of `ReadPort` of a `word`, one per row).
    masks : In(`ReadPort` of ``lanes`` bits).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "results": In(stream.Signature(row_write(config), always_ready=True)),
                "result_next": In(1),
                "inputs": In(stream.Signature(row_write(config))),
                "rows": In(ReadPort(config.act_depth, word(config))).array(config.rows),
                "masks": In(ReadPort(config.act_depth, config.lanes)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, cells = self.config, cells_of(platform)
        m.submodules.masks = masks = Masks(config)
        m.submodules.placer = placer = Placer(config)
        taken, taken_en = take_one(m, self)
        connect(m, flipped(self.masks), masks.o)
        m.d.comb += [
            masks.taken.eq(taken_en),
            masks.of_results.eq(self.results.valid),
            masks.results.eq(self.results.payload),
            masks.inputs.eq(self.inputs.payload),
        ]
        # A register, because the choice is late in its cycle.
        write, write_en = delay_valid(m, taken, taken_en, 1, name="write")
        m.d.comb += [
            placer.valid.eq(write_en),
            placer.number.eq(write.number),
            placer.placement.eq(write.placement),
        ]
        stored, _ = delay_valid(m, write.data, write_en, PLACEMENT_LATENCY - 1, name="stored")
        # Copies for pairs of rows, because the rows are all over the device.
        stored = cells.copies(m, "stored_at", stored.as_value(), ceil_div(config.rows, 2))
        for row, port in enumerate(self.rows):
            m.submodules[f"row_{row}"] = storage = cells.DualPortMemory(
                word(config).size, config.act_depth
            )
            m.d.comb += [
                storage.addr.eq(port.addr),
                port.data.eq(storage.data),
                storage.write_addr.eq(placer.addr[row]),
                storage.write_data.eq(stored[row // 2]),
                storage.write_en.eq(placer.en[row]),
            ]
        return m
