"""Skid buffer: in order, nothing lost, nothing doubled, outputs registered."""

import pytest
from amaranth import *
from tests.helpers.sim import STALLS, Sink, Source, noise, run

from celosia_hw.util.skid_buffer import SkidBuffer

PAYLOADS = [n * 37 % 256 for n in range(200)]


@pytest.mark.parametrize("stall", STALLS)
def test_in_order(stall):
    dut = SkidBuffer(8)

    async def bench(ctx, rng):
        source = Source(dut.i, PAYLOADS, rng, stall[0])
        sink = Sink(dut.o, rng, stall[1])
        await ctx.tick()  # out of reset
        held = time = 0
        while source.left or held:
            source.drive(ctx)
            sink.drive(ctx)
            taken, given = source.sample(ctx), sink.sample(ctx)
            held += taken - given
            time += 1
            assert 0 <= held <= 2
            await ctx.tick()
        assert sink.taken == PAYLOADS
        # A payload is handed on in the next cycle.
        assert any(stall) or time == len(PAYLOADS) + 1

    run(dut, bench)


def test_outputs_are_registered():
    """No input reaches an output within its cycle."""
    dut = SkidBuffer(8)

    async def bench(ctx, rng):
        inputs = (dut.i.valid, dut.i.payload, dut.o.ready)
        for _ in range(100):
            seen = set()
            for _ in range(5):
                noise(ctx, rng, *inputs)
                seen.add((ctx.get(dut.o.valid), ctx.get(dut.o.payload), ctx.get(dut.i.ready)))
            assert len(seen) == 1
            await ctx.tick()

    run(dut, bench)


def test_reset():
    """In reset it takes nothing, after it it is empty."""
    buffer, rst = SkidBuffer(8), Signal()

    async def bench(ctx, rng):
        ctx.set(buffer.i.valid, 1)
        for _ in range(4):
            await ctx.tick()
        # Both places are taken.
        assert ctx.get(buffer.o.valid) and not ctx.get(buffer.i.ready)
        ctx.set(rst, 1)
        for _ in range(3):
            await ctx.tick()
            assert not ctx.get(buffer.o.valid) and not ctx.get(buffer.i.ready)
        ctx.set(rst, 0)
        ctx.set(buffer.i.valid, 0)
        for _ in range(4):
            await ctx.tick()
            assert not ctx.get(buffer.o.valid) and ctx.get(buffer.i.ready)

    run(buffer, bench, rst=rst)
