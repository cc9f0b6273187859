"""Clocks that stand still while what they clock has nothing to do, for compiled simulation.

Such a simulation skips whatever hangs on a clock that does not move, and most of an engine has
nothing to do in most cycles. On devices every clock runs, and there is none of this. Nobody can
tell the two apart: same words in the same cycles.
"""

from amaranth import *

from . import simulated

__all__ = ["own_clock", "run_clock"]


def own_clock(platform, name: str, within: str = "sync") -> str:
    """Name of the clock domain for a block that `run_clock` is told about.

    ``name`` in simulation, else ``within``, the domain around it.
    """
    return name if simulated(platform) else within


def run_clock(
    m: Module,
    platform,
    name: str,
    active: Value,
    *,
    cycles: int,
    briefly: Value | None = None,
    within: str = "sync",
) -> None:
    """Make the domain ``name``; does nothing but for simulation.

    It is ``within``, in reset with it, but its clock has an edge only at the end of cycles in which
    ``active`` is 1 or ``within`` in reset, of the ``cycles`` after them, and of those in which
    ``briefly`` is 1. One of the two is to be 1 whenever something new comes, and ``cycles`` as many
    as it may take to come to rest then.
    """
    if not simulated(platform):
        return
    runs = active | ResetSignal(within)
    left = Signal(range(cycles + 1), init=cycles, name=f"{name}_left")
    with m.If(runs):
        m.d[within] += left.eq(cycles)
    with m.Elif(left != 0):
        m.d[within] += left.eq(left - 1)
    m.domains += ClockDomain(name, local=False)
    m.submodules[f"{name}_gate"] = Instance(
        "clock_gate",
        i_clk=ClockSignal(within),
        i_en=runs | (left != 0) | (0 if briefly is None else briefly),
        o_gated=ClockSignal(name),
    )
    m.d.comb += ResetSignal(name).eq(ResetSignal(within))
