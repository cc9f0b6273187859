"""Chain and Held: all sums at once in, a beat at a time out."""

import pytest
from amaranth import *
from tests.helpers.sim import noise, run

from celosia.spec import ACC, Config
from celosia_hw.array.chain import Chain
from celosia_hw.array.held import Held

CONFIGS = {
    "1x4": Config.default(1, 4, lanes=4, convolution=0),
    "2x12l6r2": Config.default(2, 12, lanes=6, requantizers=2, convolution=0),
    "5x4l1": Config.default(5, 4, lanes=1, convolution=0),
    # Several packed registers.
    "17x16": Config.default(17, 16, lanes=8, convolution=0),
}


@pytest.mark.parametrize("copy", [Chain, Held])
@pytest.mark.parametrize("name", CONFIGS)
def test_against_model(name, copy):
    """Words slowest, then rows, then channels; sums win over a shift in the same cycle.

    Of a tile only some rows are shifted out: the last one of them ends the word.
    """
    config = CONFIGS[name]
    dut = copy(config)
    late = getattr(dut, "latency", 0)
    beats = config.rows * config.params_per_tile

    def order(rows: int) -> list[tuple[int, int]]:
        return [
            (row, word * config.lanes + lane)
            for word in range(config.words_per_tile)
            for row in range(rows)
            for lane in range(config.lanes)
        ]

    async def bench(ctx, rng):
        left: list[int] = []  # sums that are meant, defined as long as there are any
        meant = [left] * (late + 1)  # in this cycle and those before, the oldest first
        rows = config.rows
        coming = None  # what ``capture`` and ``shift`` of a cycle ago do in this one
        for _ in range(4 * beats + 40):
            noise(ctx, rng, *dut.totals.values())
            captured = {cell: ctx.get(dut.totals[cell]) for cell in order(config.rows)}
            meant = [*meant[1:], left]
            got = ctx.get(dut.head)
            for n, want in enumerate(meant[0][: config.requantizers]):
                assert got >> ACC.width * n & (1 << ACC.width) - 1 == want
            if coming == "capture":
                left = [captured[cell] for cell in order(rows)]
            elif coming == "shift":
                left = left[config.requantizers :]
            capture, shift = rng.random() < 0.5 / beats, rng.random() < 0.7
            if capture:
                rows = rng.randrange(1, config.rows + 1)
            of_word = rows * config.lanes
            ctx.set(dut.capture, capture)
            ctx.set(dut.shift, shift)
            ctx.set(dut.word_end, len(left) % of_word == config.requantizers % of_word)
            coming = "capture" if capture else "shift" if shift else None
            await ctx.tick()

    run(dut, bench)
