"""Pipelined multiplexer: the word at the index, in as many cycles as it says."""

import pytest
from amaranth import *
from tests.helpers.sim import noise, run

from celosia_hw.util.pipelined_mux import mux_latency, pipelined_mux


def test_latency():
    for count, cycles in {1: 0, 2: 1, 4: 1, 5: 2, 16: 2, 17: 3, 32: 3, 64: 3}.items():
        assert mux_latency(count) == cycles


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16, 17, 20, 32])
def test_picks(count):
    m, index = Module(), Signal(range(count))
    words = [Signal(8, name=f"word_{n}") for n in range(count)]
    picked = Signal(8)
    m.d.comb += picked.eq(pipelined_mux(m, index, words, "picked"))

    async def bench(ctx, rng):
        for chosen in [*range(count), *(rng.randrange(count) for _ in range(20))]:
            noise(ctx, rng, *words)
            ctx.set(index, chosen)
            word = ctx.get(words[chosen])
            for _ in range(mux_latency(count)):
                await ctx.tick()
            assert ctx.get(picked) == word

    run(m, bench)
