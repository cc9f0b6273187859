"""Addresses of a dense layer: the model's steps, in time."""

import pytest
from amaranth import *
from tests.helpers.dense_layers import SMALL, layer, packed, steps
from tests.helpers.sim import Sink, noise, run

from celosia_hw.feeder.addressing.dense import DenseAddresses
from celosia_hw.layouts import step


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_against_model(stall):
    """Registered, one step per cycle, the first in the cycle after the start."""
    dut = DenseAddresses(SMALL)

    async def bench(ctx, rng):
        sink = Sink(dut.o, rng, stall)
        shapes = [{"tiles": 1, "src_words": 1}, {"tiles": 3, "src_words": 1}, {"tiles": 2}]
        for fields in [*shapes, *({} for _ in range(20))]:
            values = layer(rng, **fields)
            ctx.set(Value.cast(dut.layer), packed(values))
            ctx.set(dut.start, 1)
            assert not ctx.get(dut.o.valid)
            await ctx.tick()
            ctx.set(dut.start, 0)
            noise(ctx, rng, dut.layer)
            for n, expected in enumerate(steps(values)):
                taken = False
                while not taken:
                    assert ctx.get(dut.o.valid), n
                    sink.drive(ctx)
                    taken = sink.sample(ctx)
                    await ctx.tick()
                want = step(SMALL).const(expected).as_bits()
                assert sink.taken[-1] == want, f"{values}, step {n}"
            assert not ctx.get(dut.o.valid)

    run(dut, bench)
