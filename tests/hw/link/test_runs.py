"""Runs in flight against a plain model, event by event."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate

from celosia.spec import InferFlag
from celosia.spec.timing import MAX_OUTSTANDING
from celosia_hw.link.runs import Runs


class Model:
    """What is in flight."""

    def __init__(self):
        self.outstanding = self.banks = self.bank = 0
        self.last = (0, 0)

    @property
    def idle(self) -> bool:
        return not self.outstanding and not self.banks

    def may_load(self, asked: tuple[int, int]) -> bool:
        room = self.banks < 2 and self.outstanding < MAX_OUTSTANDING
        return room and (self.idle or asked == self.last)


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_runs(config):
    rng = Random(config.rows)
    dut, model = Runs(config), Model()
    most = 0

    async def bench(ctx):
        nonlocal most
        for round_ in range(400):
            # At first runs are alike and their answers rare, so that they pile up.
            busy = round_ < 200
            await step(ctx, busy, clear=not busy and rng.random() < 0.1)
            others = [(1, 2), (0, 3)]
            asked = rng.choice([(0, 2)] * (20 if busy else 3) + others)
            images, skip = rng.randint(1, config.rows), rng.random() < 0.5
            arg = images - 1 | (0 if skip else InferFlag.NO_SKIP)
            ctx.set(dut.request, {"arg": arg, "address": asked[0], "count": asked[1]})
            ctx.set(dut.words, asked[1])
            await step(ctx, busy)
            for _ in range(rng.choice([1, 1, 5])):
                assert ctx.get(dut.base) == (asked[1] if model.bank else 0)
                assert ctx.get(dut.may_load) == model.may_load(asked)
                await step(ctx, busy)
            if not model.may_load(asked):
                continue
            ctx.set(dut.load, 1)
            for _ in range(rng.randint(1, 3)):
                await step(ctx, busy)
            ctx.set(dut.load, 0)
            model.last = asked
            ctx.set(dut.queue, 1)
            queued = False
            while not queued:
                ctx.set(dut.o.ready, rng.random() < 0.5)
                run = ctx.get(dut.o.payload)
                assert (run.entry, run.images, run.skip) == (asked[0], images - 1, skip)
                assert run.base == (asked[1] if model.bank else 0) and ctx.get(dut.o.valid)
                queued = ctx.get(dut.o.ready)
                await step(ctx, busy, queued)
            ctx.set(dut.queue, 0)
            most = max(most, model.outstanding)

    async def step(ctx, busy, queued=False, clear=False):
        """A cycle in which runs may end and be answered."""
        done = model.banks > 0 and rng.random() < 0.4
        answered = model.outstanding > 0 and rng.random() < (0.01 if busy else 0.4)
        ctx.set(dut.run_done, done)
        ctx.set(dut.answered, answered)
        ctx.set(dut.clear, clear)
        assert ctx.get(dut.idle) == model.idle
        await ctx.tick()
        model.outstanding += queued - answered
        model.banks += queued - done
        model.bank ^= queued
        if clear:
            model.outstanding = model.banks = model.bank = 0

    simulate(dut, bench)
    assert most == MAX_OUTSTANDING
