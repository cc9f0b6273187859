"""Origins: those of every pixel and row, one pixel after the other, in time."""

import numpy as np
import pytest
from amaranth import *
from tb.windows import layer, origins_of, packed
from tests.helpers.sim import STALLS, Source, run

from celosia.spec import Config, Op
from celosia_hw.feeder.origins import Origins

CONFIGS = [
    Config.default(4, 8, lanes=4, act_depth=64, convolution=1, depthwise=1),
    Config.default(3, 5, lanes=5, act_depth=100, convolution=1),
    Config.default(1, 4, lanes=2, act_depth=64, convolution=1, depthwise=1),
]


class Player:
    """Offers ``layers`` and uses their pixels; ``pixels`` : (layer, rows' origins), in order."""

    def __init__(self, dut, rng, layers, stall=(0.0, 0.0)):
        self.dut, self.rng, self.stall = dut, rng, stall
        self.source = Source(dut.i, [packed(one, dut.config) for one in layers], rng, stall[0])
        self.pixels = [(one, rows) for one in layers for rows in origins_of(one, dut.config)]
        self.current = False  # a pixel is, as was said a cycle ago
        self.time, self.taken, self.seen = 0, [], []

    async def cycle(self, ctx) -> None:
        ends = self.current and self.rng.random() >= self.stall[1]
        ctx.set(self.dut.next, ends)
        self.source.drive(ctx)
        if self.source.sample(ctx):
            self.taken.append(self.time)
        if self.current:
            self.check(ctx)
        if ends:
            self.pixels.pop(0)
            self.seen.append(self.time)
        self.current = ctx.get(self.dut.ready)
        self.time += 1
        await ctx.tick()

    def check(self, ctx) -> None:
        values, rows = self.pixels[0]
        now = ctx.get(self.dut.o)
        got = [(one.y, one.x, one.address) for one in (now.rows[n] for n in range(len(rows)))]
        assert got == rows, values
        for name in ("height", "width", "outside"):
            assert now[name] == values[name]
        if self.dut.config.depthwise:
            assert now.depthwise == (values["op"] == Op.DEPTHWISE)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("stall", STALLS)
def test_against_loops(config, stall):
    dut = Origins(config)

    async def bench(ctx, rng):
        random = np.random.default_rng(rng.getrandbits(32))
        player = Player(dut, rng, [layer(random, config) for _ in range(60)], stall)
        while player.pixels:
            await player.cycle(ctx)
        assert not player.source.left and not player.current

    run(dut, bench)


@pytest.mark.parametrize("used", [1, 2, 4])
def test_timing(used):
    """A pixel in as many cycles as rows are used, a layer that many plus two after it was taken:
    at once when the last pixel of the one before is current."""
    config = CONFIGS[0]
    dut = Origins(config)

    async def bench(ctx, rng):
        random = np.random.default_rng(rng.getrandbits(32))
        fields = {"images": 0, "rows_used": used, "rows_full": 9, "steps": 3}
        player = Player(dut, rng, [layer(random, config, **fields) for _ in range(4)])
        while player.pixels:
            await player.cycle(ctx)
        first = player.taken[0] + used + 2
        assert player.seen[:3] == [first, first + used, first + 2 * used]
        for n, taken in enumerate(player.taken[1:], 1):
            assert taken == player.seen[3 * n - 1]
            assert player.seen[3 * n] == taken + used + 2

    run(dut, bench)
