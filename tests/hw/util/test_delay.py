"""Delays: the value of so many cycles ago, and its valid beside it."""

import pytest
from amaranth import *
from tests.helpers.sim import noise, run

from celosia_hw.util.delay import delay, delay_valid


@pytest.mark.parametrize("cycles", [0, 1, 3])
def test_delay(cycles):
    m, value = Module(), Signal(8)
    delayed = delay(m, value, cycles, name="delayed")

    async def bench(ctx, rng):
        values = []
        for time in range(40):
            noise(ctx, rng, value)
            values.append(ctx.get(value))
            if time >= cycles:
                assert ctx.get(delayed) == values[time - cycles]
            await ctx.tick()

    run(m, bench)


@pytest.mark.parametrize("reset", [False, True])
def test_only_a_delay_with_reset_is_reset(reset):
    m, value, rst = Module(), Signal(8), Signal()
    delayed = delay(m, value, 2, name="delayed", reset=reset)

    async def bench(ctx, rng):
        ctx.set(value, 99)
        await ctx.tick().repeat(2)
        assert ctx.get(delayed) == 99
        ctx.set(rst, 1)
        await ctx.tick()
        assert ctx.get(delayed) == (0 if reset else 99)

    run(m, bench, rst=rst)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("cycles", [0, 1, 3])
def test_delay_valid(cycles, gated):
    m, payload, valid = Module(), Signal(8), Signal()
    delayed, delayed_valid = delay_valid(m, payload, valid, cycles, name="x", gated=gated)

    async def bench(ctx, rng):
        history = []
        held = None
        for time in range(80):
            noise(ctx, rng, payload, valid)
            history.append((ctx.get(payload), ctx.get(valid)))
            if time >= cycles:
                want, want_valid = history[time - cycles]
                got = ctx.get(delayed)
                assert ctx.get(delayed_valid) == want_valid
                if want_valid:
                    held = want
                if want_valid or not gated:
                    assert got == want
                elif cycles and held is not None:
                    assert got == held
            await ctx.tick()

    run(m, bench)


def test_valid_is_reset():
    m, payload, valid, rst = Module(), Signal(8), Signal(), Signal()
    delayed, delayed_valid = delay_valid(m, payload, valid, 2, name="x")

    async def bench(ctx, rng):
        ctx.set(payload, 99)
        ctx.set(valid, 1)
        await ctx.tick().repeat(2)
        assert ctx.get(delayed) == 99 and ctx.get(delayed_valid)
        ctx.set(rst, 1)
        await ctx.tick()
        assert ctx.get(delayed) == 99 and not ctx.get(delayed_valid)

    run(m, bench, rst=rst)
