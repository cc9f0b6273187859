"""Operand stage of rows with addresses of their own: issues and origins in, operands out."""

from collections import deque
from functools import partial

from celosia.spec.timing import READ_LATENCY
from celosia_hw.feeder.row_operands import RowOperands
from celosia_hw.layouts import issue, operands, origins
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import bits, noise, pack
from tb.windows import operand_issue, operands_of


@bench_stalled(10_000)
async def against_model(dut, stall):
    """Bytes at each row's address, `latency` cycles later; ``outside`` beside the map."""
    tb = TB(dut, f"against_model{stall}")
    config = tb.config
    activations = tb.rng.integers(0, 256, (config.rows, config.act_depth, config.lanes))
    weights = [noise(tb.rng, 8 * config.cols) for _ in range(config.weight_depth)]
    for row in range(config.rows):
        tb.memory(f"activations__{row}", partial(_at, activations[row]))
    tb.memory("weights", lambda n: weights[n] if n < len(weights) else None, READ_LATENCY + 1)
    tb.zero("i__valid", "i__payload", "origins")
    await tb.reset()
    on_the_way: deque[int | None] = deque([None] * (RowOperands.latency + 1))
    checked = 0
    for _ in range(settings.amount(900)):
        await tb.cycle()
        want = on_the_way.popleft()
        assert int(dut.o__valid.value) == (want is not None)
        if want is not None:
            assert int(dut.o__payload.value) == want, f"{dut.o__payload.value} is not {want:b}"
            checked += 1
        valid = tb.rng.random() >= stall[0]
        one, of_rows = operand_issue(tb.rng, config)
        dut.i__valid.value = int(valid)
        dut.i__payload.value = pack(issue(config), one)
        dut.origins.value = pack(origins(config), of_rows)
        layout = operands(config)
        values = operands_of(one, of_rows, activations, config)
        u = bits(values.flat, 8) << layout["u"].offset
        w = weights[one["weights"]] << layout["w"].offset
        last = one["last"] << layout["last"].offset
        on_the_way.append(u | w | last if valid else None)
    assert checked > 50


def _at(words, n: int) -> int | None:
    return bits(words[n], 8) if n < len(words) else None
