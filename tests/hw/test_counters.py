"""Counters: every event once, in time, and nothing while they are held."""

import pytest
from tests.helpers.sim import run

from celosia.spec import COUNTERS, Config
from celosia_hw.counters import Counters


def config(bits: int) -> Config:
    return Config.default(3, 4, counter_bits=bits, convolution=0)


@pytest.mark.parametrize("bits", [0, 5, 48])
def test_counts(bits):
    """Of 5 bits they wrap; of 0 bits they are 0."""
    dut = Counters(config(bits))
    widths = {name: len(dut.events[name]) for name, _ in dut.events.shape()}
    names = [field.name for field in COUNTERS.fields]

    async def bench(ctx, rng):
        counts = dict.fromkeys(names, 0)
        # What happened a cycle ago, which is what is added in this one.
        amounts, cleared = dict.fromkeys(names, 0), 0
        for _ in range(400):
            happens = {name: rng.getrandbits(width) for name, width in widths.items()}
            for name, amount in happens.items():
                ctx.set(dut.events[name], amount)
            receiving = rng.getrandbits(1)
            hold, clear = int(rng.random() < 0.2), int(rng.random() < 0.03)
            ctx.set(dut.receiving, receiving)
            ctx.set(dut.hold, hold)
            ctx.set(dut.clear, clear)
            for name in names:
                assert ctx.get(dut.o[name]) == counts[name] % (1 << bits), name
            for name in names:
                added = 1 if name == "cycles" else amounts[name]
                if cleared:
                    counts[name] = 0
                elif not hold:
                    counts[name] += added
            amounts = happens | {"stall_input": receiving & ~happens["busy"] & 1}
            cleared = clear
            await ctx.tick()
        assert counts["cycles"]

    run(dut, bench)
