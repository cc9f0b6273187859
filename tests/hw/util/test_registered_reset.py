"""Registered reset: a domain that is in reset a cycle after its causes."""

from amaranth import *
from tests.helpers.sim import run

from celosia_hw.util.registered_reset import registered_reset


def test_reset_domain():
    m, condition, count, rst = Module(), Signal(), Signal(8), Signal()
    reset = registered_reset(m, "far", condition)
    m.d.far += count.eq(count + 1)

    async def bench(ctx, rng):
        expected = 0
        # (sync is in reset, the condition is 1) of this cycle and of the last two.
        history = [(1, 0), (1, 0)]
        for _ in range(300):
            sync_reset, cause = int(rng.random() < 0.1), int(rng.random() < 0.1)
            ctx.set(rst, sync_reset)
            ctx.set(condition, cause)
            (older_reset, older_cause), (old_reset, old_cause) = history[-2:]
            # A reset of sync shortens that of a condition in the same cycle.
            in_reset = bool(old_reset or old_cause or (older_cause and not older_reset))
            assert ctx.get(reset) == in_reset
            assert ctx.get(count) == expected
            expected = 0 if in_reset else (expected + 1) % 256
            history.append((sync_reset, cause))
            await ctx.tick()

    run(m, bench, rst=rst)
