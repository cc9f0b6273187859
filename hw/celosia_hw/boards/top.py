"""A board's top level: clock, the engine behind the serial pins, and a light."""

from amaranth import *
from amaranth.lib import io

from celosia.spec import Config
from celosia_hw.serial.engine import SerialEngine

from .clock import ClockGenerator

__all__ = ["BadDivisor", "BoardTop", "divisor"]

#: How far the line's speed may be off, as a share of it (docs/serial.md).
_BAUD_TOLERANCE = 0.02


class BadDivisor(ValueError):
    """The clock does not divide into the speed of the serial line."""


def divisor(clock: float, baud: int) -> int:
    """Cycles of ``clock`` MHz for a bit at ``baud`` bits per second.

    Raises
    ------
    BadDivisor : no whole number of at least 4 comes within 2 %; a ``baud`` that works is named.
    """
    exact = clock * 1e6 / baud
    nearest = max(round(exact), 1)
    if nearest < 4 or abs(nearest / exact - 1) > _BAUD_TOLERANCE:
        works = int(clock * 1e6 / max(nearest, 4))
        raise BadDivisor(
            f"{clock:g} MHz is {exact:.3g} times {baud:,} baud, not within 2 % of a whole number "
            f"from 4; {works:,} baud would do"
        )
    return nearest


class BoardTop(Elaboratable):
    """A `SerialEngine` at the platform's clock and ``uart`` pins.

    Parameters
    ----------
    config : its engine.
    clock : makes its clock.
    divisor : cycles per bit of the serial line.
    """

    def __init__(self, config: Config, clock: ClockGenerator, divisor: int):
        self.config, self.clock, self.divisor = config, clock, divisor

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = self.clock.domain
        m.submodules.clock = self.clock
        m.submodules.engine = engine = SerialEngine(self.config, divisor=self.divisor)
        uart = platform.request("uart", dir="-")
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [engine.rx.eq(rx.i), tx.o.eq(engine.tx)]
        # What not every board has: a light while either line is at work, and a flash to deselect.
        for name, value in (("led", ~(rx.i & engine.tx)), ("flash_select", 0)):
            if (name, 0) in platform.resources:
                m.submodules[name] = pin = io.Buffer("o", platform.request(name, dir="-"))
                m.d.comb += pin.o.eq(value)
        return m
