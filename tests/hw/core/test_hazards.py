"""Hazards: layers in flight and how much of the older one has arrived."""

from tests.helpers.sim import run

from celosia.spec import Config
from celosia_hw.core.hazards import Hazards

CONFIG = Config.default(2, 4, act_depth=40, convolution=0)


def test_against_model():
    """Layers start and arrive at random; one may start in the cycle in which another is done."""
    dut = Hazards(CONFIG)

    async def bench(ctx, rng):
        flying: list[dict[str, int]] = []  # the older one first
        both = last_runs = 0
        for _ in range(2000):
            # Everything is registered: it follows from the cycles before.
            assert ctx.get(dut.in_flight) == len(flying)
            assert ctx.get(dut.hazard.active) == (len(flying) == 2)
            if len(flying) == 2:
                assert ctx.get(dut.hazard.stored) == flying[0]["stored"]
            starts = len(flying) < 2 and rng.random() < 0.4
            arrives = bool(flying) and rng.random() < 0.5
            older = flying[0] if flying else {"stored": 0, "words": 0, "last": 0}
            done = arrives and older["stored"] == older["words"] - 1
            started = {"stored": 0, "words": 1 + rng.randrange(4), "last": rng.randrange(2)}
            ctx.set(dut.start, starts)
            ctx.set(dut.last, started["last"])
            ctx.set(dut.word_done, arrives)
            ctx.set(dut.layer_done, done)
            assert ctx.get(dut.run_done) == (done and older["last"])
            last_runs += done and older["last"]
            both += starts and done
            if arrives:
                older["stored"] += 1
            if done:
                flying.pop(0)
            if starts:
                flying.append(started)
            await ctx.tick()
        assert both > 20 and last_runs > 20

    run(dut, bench)
