"""Fall-through buffer: in order, nothing lost, nothing doubled, no latency, ready registered."""

import pytest
from amaranth import *
from tests.helpers.sim import STALLS, Sink, Source, noise, run

from celosia_hw.util.fall_through_buffer import FallThroughBuffer

PAYLOADS = [n * 37 % 256 for n in range(200)]


@pytest.mark.parametrize("stall", STALLS)
def test_in_order(stall):
    dut = FallThroughBuffer(8)

    async def bench(ctx, rng):
        source = Source(dut.i, PAYLOADS, rng, stall[0])
        sink = Sink(dut.o, rng, stall[1])
        held = time = 0
        while source.left or held:
            source.drive(ctx)
            sink.drive(ctx)
            taken, given = source.sample(ctx), sink.sample(ctx)
            held += taken - given
            time += 1
            assert 0 <= held <= 1
            await ctx.tick()
        assert sink.taken == PAYLOADS
        # A payload is handed on in its cycle.
        assert any(stall) or time == len(PAYLOADS)

    run(dut, bench)


def test_ready_is_registered():
    """No input reaches ``i.ready`` within its cycle."""
    dut = FallThroughBuffer(8)

    async def bench(ctx, rng):
        for _ in range(100):
            seen = set()
            for _ in range(5):
                noise(ctx, rng, dut.i.valid, dut.i.payload, dut.o.ready)
                seen.add(ctx.get(dut.i.ready))
            assert len(seen) == 1
            await ctx.tick()

    run(dut, bench)
