"""UART: bytes from a pin and to a pin, 8N1, least significant bit first."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["MIN_DIVISOR", "UartReceiver", "UartTransmitter"]

#: Clock cycles per bit, at least: below it half a bit cannot be told from none.
MIN_DIVISOR = 4


def _checked(divisor: int) -> int:
    if not isinstance(divisor, int) or divisor < MIN_DIVISOR:
        raise ValueError(f"divisor = {divisor!r} is not an integer from {MIN_DIVISOR}")
    return divisor


class UartReceiver(wiring.Component):
    """Bytes from pin ``rx``, which may be asynchronous.

    A falling edge begins a byte; each bit is sampled once, ``divisor // 2`` cycles after its
    beginning, counted from that edge. A start bit that is over by then was a glitch and is
    ignored. The stop bit's second half is left to the next byte, so that a sender whose clock is
    up to 3 % off (``divisor`` >= 8) is understood. After a stop bit that is 0, and after a reset,
    the line must be 1 before a byte can begin.

    ``valid`` or ``error`` is 1 for one cycle, ``9 * divisor + divisor // 2 + 3`` cycles after the
    edge on the pin, and ``data`` stays for ``divisor`` cycles more. No back-pressure: a byte not
    looked at by then is lost.

    Parameters
    ----------
    divisor : clock cycles per bit, at least `MIN_DIVISOR`.

    Members
    -------
    rx : In(1); data : Out(8); valid : Out(1), ``data`` is a byte; error : Out(1), what came had
        no stop bit.

    Raises
    ------
    ValueError : ``divisor`` is too small.
    """

    rx: In(1, init=1)
    data: Out(8)
    valid: Out(1)
    error: Out(1)

    def __init__(self, divisor: int):
        self.divisor = _checked(divisor)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        line, before = Signal(init=1), Signal()
        m.submodules += FFSynchronizer(self.rx, line, init=1)
        m.d.sync += before.eq(line)

        busy = Signal()
        timer = Signal(range(self.divisor))
        place = Signal(range(10))  # 0: the start bit is sampled next, 9: the stop bit
        tick = Signal()  # `timer` is 0
        m.d.sync += [self.valid.eq(0), self.error.eq(0)]
        m.d.sync += [timer.eq(timer - 1), tick.eq(busy & (timer == 1))]
        with m.If(~busy):
            # The edge was seen one cycle late, by `before`.
            m.d.sync += [busy.eq(before & ~line), timer.eq(self.divisor // 2 - 1), place.eq(0)]
        with m.Elif(tick):
            m.d.sync += [timer.eq(self.divisor - 1), place.eq(place + 1)]
            with m.If(place == 9):
                m.d.sync += [self.valid.eq(line), self.error.eq(~line), busy.eq(0)]
            with m.Elif(place == 0):
                m.d.sync += busy.eq(~line)
            with m.Else():
                m.d.sync += self.data.eq(Cat(self.data[1:], line))
        return m


class UartTransmitter(wiring.Component):
    """Bytes to pin ``tx``, each ``10 * divisor`` cycles long.

    The pin falls one cycle after a byte is taken. The next one is taken in the last cycle of its
    stop bit, so bytes follow each other without a gap, but for one cycle. In reset and when there
    is nothing to send the pin is 1.

    Parameters
    ----------
    divisor : clock cycles per bit, at least `MIN_DIVISOR`.

    Members
    -------
    i : In(stream of 8 bits); tx : Out(1)

    Raises
    ------
    ValueError : ``divisor`` is too small.
    """

    i: In(stream.Signature(8))
    tx: Out(1, init=1)

    def __init__(self, divisor: int):
        self.divisor = _checked(divisor)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        timer = Signal(range(self.divisor))
        left = Signal(range(11))  # bits of this byte, the one on the pin included
        rest = Signal(8, init=0xFF)
        idle = Signal(init=1)  # `left` is 0
        tick = Signal()  # `timer` is 0
        m.d.comb += self.i.ready.eq(idle)
        m.d.sync += [timer.eq(timer - 1), tick.eq(~idle & (timer == 1))]
        with m.If(idle):
            m.d.sync += [left.eq(10), timer.eq(self.divisor - 1), rest.eq(self.i.payload)]
            with m.If(self.i.valid):
                m.d.sync += [self.tx.eq(0), idle.eq(0)]
        with m.Elif(tick):
            m.d.sync += [self.tx.eq(rest[0]), rest.eq(Cat(rest[1:], 1))]
            m.d.sync += [left.eq(left - 1), timer.eq(self.divisor - 1), idle.eq(left == 1)]
        return m
