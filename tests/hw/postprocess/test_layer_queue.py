"""Layer queue: one layer open, one waiting, in order."""

import pytest
from tests.helpers.sim import STALLS, Source, run

from celosia.spec import DESCRIPTOR, Config
from celosia_hw.layouts import active_layer, settings
from celosia_hw.postprocess.layer_queue import LayerQueue

CONFIG = Config.default(3, 4, act_depth=40, param_depth=20)


def layer(n: int) -> dict:
    """Fields of an active layer that differ from layer to layer."""
    descriptor = {field.name: n * 7 % (field.max + 1) for field in DESCRIPTOR.fields}
    descriptor |= {"part": 0, "dst": n * 7 % CONFIG.act_depth, "params": n * 3 % CONFIG.param_depth}
    return {"descriptor": descriptor, "base": 0, "images": n % CONFIG.rows, "skip": 0}


def drained(n: int) -> dict:
    """What the drain needs of it."""
    descriptor = layer(n)["descriptor"]
    return {
        "settings": {name: descriptor[name] for name, _ in settings()},
        **{name: descriptor[name] for name in ("tiles", "dst", "params")},
        "images": layer(n)["images"],
    }


@pytest.mark.parametrize("stall", STALLS)
def test_in_order(stall):
    dut = LayerQueue(CONFIG)
    payloads = [active_layer(CONFIG).const(layer(n)).as_bits() for n in range(30)]

    async def bench(ctx, rng):
        source = Source(dut.i, payloads, rng, stall[0])
        taken: list[int] = []  # cycle in which each layer was taken
        opened = -1  # the layer that is open, or was last
        is_open, done_at, time = False, -10, 0
        while source.left or is_open or opened < len(payloads) - 1:
            done = is_open and rng.random() < (0.2 if stall[1] else 0.9)
            source.drive(ctx)
            ctx.set(dut.done, done)
            if ctx.get(dut.opened):
                opened += 1
                # In the cycle after next: of being taken, or of the one before being done.
                assert time == max(taken[opened], done_at) + 2
                is_open = True
            if opened >= 0:
                want = dut.layer.shape().const(drained(opened))
                assert ctx.get(dut.layer) == want, "held until the next one opens"
            if source.sample(ctx):
                taken.append(time)
                assert len(taken) - 1 - opened <= 2, "one waits"
            done_at = time if done else done_at
            is_open &= not done
            time += 1
            await ctx.tick()
        assert opened == len(payloads) - 1

    run(dut, bench)
