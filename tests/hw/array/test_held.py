"""Copy of the sums: each beat in order, in time, while the array goes on."""

from dataclasses import replace

import pytest
from tests.helpers.sim import noise, run

from celosia.spec import ACC, Config
from celosia_hw.array.held import Held

MASK = (1 << ACC.width) - 1
CONFIGS = {
    "3x8": replace(Config.default(), rows=3, cols=8, lanes=4, requantizers=2),
    "2x4, one beat a word": replace(Config.default(), rows=2, cols=4, lanes=2, requantizers=2),
    "1x4, one channel": replace(Config.default(), rows=1, cols=4, lanes=4, requantizers=1),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_beats_in_order(name):
    config = CONFIGS[name]
    dut = Held(config)
    lanes, requantizers = config.lanes, config.requantizers

    def beats(sums: dict) -> list[list[int]]:
        """By word, by row and by channel; each word with all of its rows."""
        return [
            [
                [sums[row, word * lanes + beat * requantizers + n] for n in range(requantizers)]
                for row in range(config.rows)
                for beat in range(config.beats)
            ]
            for word in range(config.words_per_tile)
        ]

    async def bench(ctx, rng):
        wanted, time = {}, 0  # cycle -> beat
        noise(ctx, rng, *dut.totals.values())

        async def tick(capture: int, shift: int, word_end: int) -> None:
            nonlocal time
            ctx.set(dut.capture, capture)
            ctx.set(dut.shift, shift)
            ctx.set(dut.word_end, word_end)
            if time in wanted:
                head = ctx.get(dut.head)
                found = [head >> ACC.width * n & MASK for n in range(requantizers)]
                assert found == wanted[time], f"cycle {time}"
            await ctx.tick()
            time += 1
            # The array has other sums in every cycle.
            noise(ctx, rng, *dut.totals.values())

        for _ in range(12):
            # A shift in the cycle of a capture does not undo it.
            await tick(1, rng.randrange(2), rng.randrange(2))
            sums = {at: ctx.get(total) for at, total in dut.totals.items()}
            words = beats(sums)
            # The last tile of a layer may have less words.
            for word in words[: rng.randint(1, len(words))]:
                used = word[: rng.randint(1, config.rows) * config.beats]
                for index, beat in enumerate(used):
                    moves = False
                    while not moves:
                        wanted[time + 1 + dut.latency] = beat
                        moves = rng.random() < 0.7
                        # Only a shift ends a word.
                        ends = index == len(used) - 1 if moves else rng.randrange(2)
                        await tick(0, moves, ends)
            for _ in range(1 + dut.latency):
                await tick(0, 0, 0)

    run(dut, bench)
