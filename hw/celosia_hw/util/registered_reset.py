"""Resets that go a long way."""

from amaranth import *

__all__ = ["reset_domain"]


def reset_domain(m: Module, name: str, condition: Value) -> Signal:
    """Make the clock domain ``name`` in ``m``: ``sync`` with a reset that is a register.

    It is in reset in the cycle after one in which ``sync`` is, and in two cycles after one in which
    ``condition`` is 1. (Logic on the way to everything would be the slowest path there is. Two,
    because a domain made within this one is in reset a cycle after it.) Returns the reset.
    """
    reset, before = Signal(init=1, reset_less=True), Signal()
    m.d.sync += [before.eq(condition), reset.eq(ResetSignal() | condition | before)]
    m.domains += ClockDomain(name, local=True)
    m.d.comb += [ClockSignal(name).eq(ClockSignal()), ResetSignal(name).eq(reset)]
    return reset
