"""Multicycle requantizer: the model's byte in time, held until the next one is being made."""

import numpy as np
import pytest
from amaranth import *
from tests.helpers.sim import noise, run

from celosia.model import requantize
from celosia.spec import ACC, PARAMETER, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia.spec.timing import MULTICYCLE_LATENCY
from celosia_hw.postprocess.multicycle_requantizer import MulticycleRequantizer


def channel(rng) -> tuple[int, dict[str, int]]:
    """A sum and parameters that make a result of some hundreds, a tie, or any at all."""
    values = {f.name: rng.randint(f.min, f.max) for f in PARAMETER.fields}
    shift = values["shift"] = rng.randint(SHIFT_MIN, SHIFT_MAX)
    kind = rng.randrange(3)
    if kind == 0:
        acc = int(np.clip(rng.randint(-400, 400) * 2.0**-shift, ACC.min, ACC.max))
        values |= {"bias": rng.randint(-9, 9), "multiplier": rng.randint(1 << 30, (1 << 31) - 1)}
    elif kind == 1:
        acc = int(ACC.wrap((2 * rng.randint(-99, 99) + 1) << max(-shift, 0)))
        values |= {"bias": 0, "multiplier": 1 << 30 - max(shift, 0)}
    else:
        acc = rng.randint(ACC.min, ACC.max)
    return acc, values


@pytest.mark.parametrize("rounding", Rounding)
def test_against_model(rounding):
    dut = MulticycleRequantizer()

    async def bench(ctx, rng):
        for _ in range(8):
            low, high = sorted(rng.sample(range(256), 2))
            settings = {"zero_point": rng.randrange(256), "clamp_min": low, "clamp_max": high}
            ctx.set(dut.settings, settings | {"rounding": rounding})
            before = None
            for _ in range(5):
                acc, values = channel(rng)
                data = [acc, values["bias"], values["multiplier"], values["shift"]]
                arrays = (np.array([value], np.int64) for value in data)
                (want,) = requantize(*arrays, *settings.values(), rounding)
                ctx.set(dut.en, 1)
                ctx.set(dut.acc, acc)
                ctx.set(dut.parameters, values)
                for time in range(MULTICYCLE_LATENCY + 1 + rng.randrange(4)):
                    assert ctx.get(dut.o_en) == (time == MULTICYCLE_LATENCY)
                    if time <= 2 and before is not None:
                        assert ctx.get(dut.o) == before
                    if time >= MULTICYCLE_LATENCY:
                        assert ctx.get(dut.o) == want, f"{data}, {settings}"
                    await ctx.tick()
                    ctx.set(dut.en, 0)
                    noise(ctx, rng, dut.acc)
                before = want

    run(dut, bench)
