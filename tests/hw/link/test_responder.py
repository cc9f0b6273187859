"""What the responder says of runs that end early."""

import pytest
from amaranth.sim import Simulator

from celosia.spec import Config
from celosia_hw.link.responder import Responder

CONFIG = Config.default(
    2, 4, weight_depth=16, param_depth=8, act_depth=16, program_depth=4, tables=0
)


@pytest.mark.parametrize("flushed_after", range(6))
def test_a_flushed_run_has_no_fault(flushed_after):
    """Nothing may be taken of the core while or after it is flushed: it would count as another run
    that has ended."""
    dut = Responder(CONFIG)
    taken = []

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.fault, 1)
        for cycle in range(20):
            ctx.set(dut.flush, cycle == flushed_after)
            # The core has forgotten it in the cycle after.
            ctx.set(dut.fault, cycle <= flushed_after and not taken)
            if ctx.get(dut.fault_taken):
                taken.append(cycle)
            assert not (ctx.get(dut.fault_taken) and cycle >= flushed_after)
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(bench)
    sim.run()
    # Without a flush in its way it is taken, once.
    assert len(taken) == (flushed_after > 1)
