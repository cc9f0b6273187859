"""Operand stage: issues in, and in time the bytes and weights they name."""

from collections import deque

from celosia.spec.timing import READ_LATENCY
from celosia_hw.feeder.operands import Operands
from celosia_hw.layouts import issue, operands
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import bits, noise, pack


@bench_stalled(10_000)
async def against_model(dut, stall):
    """``activations[row][src][byte]`` and ``weights[weights]``, `latency` cycles later."""
    tb = TB(dut, f"against_model{stall}")
    config = tb.config
    activations = tb.rng.integers(0, 256, (config.act_depth, config.rows, config.lanes))
    weights = [noise(tb.rng, 8 * config.cols) for _ in range(config.weight_depth)]
    tb.memory("activations", lambda n: _at(activations, n))
    # Their address fans out to the most memories.
    tb.memory("weights", lambda n: weights[n] if n < len(weights) else None, READ_LATENCY + 1)
    tb.zero("i__valid", "i__payload")
    await tb.reset()
    on_the_way: deque[int | None] = deque([None] * (Operands.latency + 1))
    checked = 0
    for _ in range(settings.amount(900)):
        await tb.cycle()
        want = on_the_way.popleft()
        assert int(dut.o__valid.value) == (want is not None)
        if want is not None:
            assert int(dut.o__payload.value) == want, f"{dut.o__payload.value} is not {want:b}"
            checked += 1
        valid = tb.rng.random() >= stall[0]
        values = {
            "last": int(tb.rng.integers(2)),
            "src": int(tb.rng.integers(config.act_depth)),
            "byte": int(tb.rng.integers(config.lanes)),
            "weights": int(tb.rng.integers(config.weight_depth)),
        }
        dut.i__valid.value = int(valid)
        dut.i__payload.value = pack(issue(config), values)
        layout = operands(config)
        u = bits(activations[values["src"], :, values["byte"]], 8) << layout["u"].offset
        w = weights[values["weights"]] << layout["w"].offset
        last = values["last"] << layout["last"].offset
        on_the_way.append(u | w | last if valid else None)
    assert checked > 50


def _at(activations, n: int) -> int | None:
    """The words of all rows at address ``n``."""
    return bits(activations[n].flat, 8) if n < len(activations) else None
