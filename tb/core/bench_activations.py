"""Activation memory: two writers, one reader, and the masks of bytes that are not 0."""

import numpy as np

from celosia.spec.timing import READ_LATENCY
from celosia_hw.layouts import row_write
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import pack

from .row_writes import RowMemories, row_writes


@bench_stalled(5_000)
async def against_model(dut, stall):
    """Results win over inputs; both, interleaved, leave the model's data and masks."""
    tb = TB(dut, f"against_model{stall}")
    config, layout = tb.config, row_write(tb.config)
    tb.zero("results__valid", "results__payload", "result_next", "rows__addr", "masks__addr")
    tb.zero("inputs__valid", "inputs__payload")
    await tb.reset()
    model = RowMemories(config.rows, config.act_depth)
    # Few addresses, so that reads meet writes; the writers never share a word.
    half = min(config.act_depth, 16) // 2
    inputs = row_writes(tb.rng, config, range(half), all_rows=False)
    results = row_writes(tb.rng, config, range(half, 2 * half), all_rows=True)
    offered, written, following, stored, reads = next(inputs), None, None, None, []
    input_valid = 0
    compared = {"data": 0, "masks": 0}
    for _ in range(settings.amount(2400)):
        addr, mask_addr = (int(x) for x in tb.rng.integers(2 * half, size=2))
        await tb.cycle()
        # What the cycle that ends here read: the contents before its own writes; a word that was
        # stored in it is undefined.
        now = [model.data[row][int(dut.rows__addr.value)] for row in range(config.rows)]
        mask_now = model.masks[int(dut.masks__addr.value)]
        if stored and stored[1]["dst"] == int(dut.rows__addr.value):
            now[stored[1]["row"]] = None
        if stored and stored[1]["dst"] == int(dut.masks__addr.value):
            mask_now = None
        ready = int(dut.inputs__ready.value)
        assert ready == (written is None), "inputs wait exactly for results"
        if len(reads) == READ_LATENCY:
            text = str(dut.rows__data.value)[::-1]
            data, mask = reads.pop(0)
            if mask is not None:
                assert int(dut.masks__data.value) == mask, f"{dut.masks__data.value}, {mask:b}"
                compared["masks"] += 1
            for row, want in enumerate(data):
                if want is not None:
                    width = 8 * config.lanes
                    got = int(text[row * width : (row + 1) * width][::-1], 2)
                    assert got == want, f"row {row}: {got:#x} is not {want:#x}"
                    compared["data"] += 1
        if stored:
            model.write(*stored)
        stored = None
        if written is not None:
            stored = "results", written
        elif input_valid:
            stored = "inputs", offered
            offered, input_valid = next(inputs), 0
        reads.append((now, mask_now))
        # The next cycle, and whether there are results in the one after it.
        written, following = following, None
        if tb.rng.random() >= stall[1] * 0.9 + 0.1:
            following = next(results)
        input_valid = input_valid or int(tb.rng.random() >= stall[0])
        tb.noise("results__payload", "inputs__payload")
        dut.result_next.value = int(following is not None)
        dut.results__valid.value = int(written is not None)
        if written is not None:
            dut.results__payload.value = pack(layout, written)
        dut.inputs__valid.value = input_valid
        if input_valid:
            dut.inputs__payload.value = pack(layout, offered)
        dut.rows__addr.value, dut.masks__addr.value = addr, mask_addr
    assert min(compared.values()) > 150, compared
    assert np.any([mask for mask in model.masks if mask])
