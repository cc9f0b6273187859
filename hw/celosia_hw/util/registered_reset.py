"""Resets with a large fan-out."""

from amaranth import *

__all__ = ["registered_reset"]


def registered_reset(m: Module, name: str, condition: Value) -> Signal:
    """Make the clock domain ``name`` in ``m``: ``sync`` with a reset that is a register.

    It is in reset in the cycle after one in which ``sync`` is, and in the two cycles after one in
    which ``condition`` is 1. (Logic in front of such a fan-out would be the slowest path of all.
    Two cycles, because a domain made within this one is in reset a cycle after it.) Returns the
    reset.
    """
    reset, before = Signal(init=1, reset_less=True), Signal()
    m.d.sync += [before.eq(condition), reset.eq(ResetSignal() | condition | before)]
    m.domains += ClockDomain(name, local=True)
    m.d.comb += [ClockSignal(name).eq(ClockSignal()), ResetSignal(name).eq(reset)]
    return reset
