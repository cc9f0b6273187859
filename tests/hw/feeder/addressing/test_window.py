"""Addresses of a layer on a map: the loops' steps, in time."""

import numpy as np
import pytest
from amaranth import *
from tb.pack import unpack
from tb.windows import layer, packed, steps
from tests.helpers.sim import Sink, noise, run

from celosia.spec import Config
from celosia_hw.feeder.addressing.window import WindowAddresses
from celosia_hw.layouts import step

CONFIGS = [
    Config.default(2, 8, lanes=4, act_depth=64, weight_depth=500, convolution=1, depthwise=1),
    Config.default(3, 5, lanes=5, act_depth=100, weight_depth=512, convolution=1, depthwise=1),
    Config.default(1, 4, lanes=1, act_depth=64, weight_depth=300, convolution=1),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_against_loops(config, stall):
    """Registered, one step per cycle, the first two cycles after the start."""
    dut = WindowAddresses(config)

    async def bench(ctx, rng):
        sink = Sink(dut.o, rng, stall)
        random = np.random.default_rng(rng.getrandbits(32))
        single = dict.fromkeys(("tiles", "kernel_y", "kernel_x", "tap_words", "steps"), 1)
        lines = [{"kernel_y": 2, "kernel_x": n, "kernel_rest": 4 - n} for n in (1, 3)]
        lines += [{"kernel_y": 2, "kernel_x": n, "kernel_rest": 256 - n} for n in (1, 255)]
        shapes = [single, single | {"steps": 4}, {"waits": 1}, *lines]
        for fields in [*shapes, *({} for _ in range(30))]:
            values = layer(random, config, **fields)
            ctx.set(Value.cast(dut.layer), packed(values, config))
            ctx.set(dut.start, 1)
            assert not ctx.get(dut.busy)
            await ctx.tick()
            ctx.set(dut.start, 0)
            noise(ctx, rng, dut.layer)
            assert ctx.get(dut.busy) and not ctx.get(dut.o.valid)
            await ctx.tick()
            for n, expected in enumerate(steps(values, config)):
                taken = False
                while not taken:
                    assert ctx.get(dut.o.valid) and ctx.get(dut.busy), n
                    sink.drive(ctx)
                    taken = sink.sample(ctx)
                    await ctx.tick()
                got = unpack(step(config), sink.taken[-1])
                assert got == expected, f"{values}, step {n}"
            assert not ctx.get(dut.o.valid) and not ctx.get(dut.busy)

    run(dut, bench)
