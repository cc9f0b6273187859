"""A board's top level: the clock, the engine behind the serial pins, and an LED."""

from amaranth import *
from amaranth.lib import io

from celosia.spec import Config
from celosia_hw.serial.engine import SerialEngine

from .clock import ClockGenerator

__all__ = ["BadDivisor", "BoardTop", "divisor"]

#: Largest relative error of the line's speed (docs/serial.md).
_BAUD_TOLERANCE = 0.02


class BadDivisor(ValueError):
    """The clock is not a multiple, within 2 %, of the speed of the serial line."""


def divisor(clock: float, baud: int) -> int:
    """Cycles of ``clock`` MHz per bit at ``baud`` bits per second: an integer of at least 4.

    Raises
    ------
    BadDivisor : no such integer is within 2 % of the ratio; the message has a ``baud`` that works.
    """
    exact = clock * 1e6 / baud
    nearest = max(round(exact), 1)
    if nearest < 4 or abs(nearest / exact - 1) > _BAUD_TOLERANCE:
        works = int(clock * 1e6 / max(nearest, 4))
        raise BadDivisor(
            f"{clock:g} MHz is {exact:.3g} times {baud:,} baud, which is not within 2 % of an "
            f"integer of at least 4; {works:,} baud would work"
        )
    return nearest


class BoardTop(Elaboratable):
    """A `SerialEngine` with the platform's clock and ``uart`` pins.

    Parameters
    ----------
    config : shape and memories of the engine.
    clock : drives its clock domain.
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
        # Not on every board: an LED that is lit while either line is low, and a flash memory on the
        # serial pins, which stays deselected.
        for name, value in (("led", ~(rx.i & engine.tx)), ("flash_select", 0)):
            if (name, 0) in platform.resources:
                m.submodules[name] = pin = io.Buffer("o", platform.request(name, dir="-"))
                m.d.comb += pin.o.eq(value)
        return m
