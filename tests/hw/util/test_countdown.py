"""Counters of loops whose number of passes is a signal."""

from amaranth import *
from tests.helpers.sim import run

from celosia_hw.util.countdown import Countdown


def test_passes():
    """``ends`` in the last of so many passes, again and again."""
    counter = Countdown(3, name="counter")
    start, step, count = Signal(), Signal(), Signal(3)
    m = Module()
    with m.If(step):
        m.d.sync += counter.step()
    with m.If(start):
        m.d.sync += counter.start(count)

    async def bench(ctx, rng):
        for passes in [1, 2, 7, *(rng.randrange(1, 8) for _ in range(10))]:
            ctx.set(start, 1)
            ctx.set(count, passes)
            await ctx.tick()
            ctx.set(start, 0)
            ctx.set(count, rng.randrange(8))
            for n in range(3 * passes):
                while rng.random() < 0.3:
                    await ctx.tick()
                assert ctx.get(counter.ends) == (n % passes == passes - 1)
                ctx.set(step, 1)
                await ctx.tick()
                ctx.set(step, 0)

    run(m, bench)
