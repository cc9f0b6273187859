"""Loop counter: 0 to its last value and over again, which it knows a cycle ahead."""

import pytest
from amaranth import *
from tests.helpers.sim import run

from celosia_hw.util.loop_counter import LoopCounter


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_counts(count):
    m, step = Module(), Signal()
    counter = LoopCounter(count, name="counter")
    with m.If(step):
        m.d.sync += counter.step()

    async def bench(ctx, rng):
        value = 0
        for _ in range(10 * count):
            assert ctx.get(counter.value) == value
            assert ctx.get(counter.ends) == (value == count - 1)
            steps = rng.randrange(2)
            ctx.set(step, steps)
            value = (value + steps) % count
            await ctx.tick()

    run(m, bench)


def test_a_count_of_0_is_an_error():
    with pytest.raises(ValueError, match="count = 0 is below 1"):
        LoopCounter(0, name="counter")
