"""UART receiver and transmitter: 8N1, least significant bit first."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["MIN_DIVISOR", "UartReceiver", "UartTransmitter"]

#: Least clock cycles per bit: half a bit must be longer than the uncertainty of its edge.
MIN_DIVISOR = 4


def _checked(divisor: int) -> int:
    if not isinstance(divisor, int) or divisor < MIN_DIVISOR:
        raise ValueError(f"divisor = {divisor!r} is not an integer from {MIN_DIVISOR}")
    return divisor


class UartReceiver(wiring.Component):
    """Receives bytes from pin ``rx``, which may be asynchronous.

    A falling edge begins a byte. Each bit is sampled once, ``divisor // 2`` cycles after its
    beginning, counted from that edge. A start bit that is 1 when sampled was a glitch and is
    ignored. The second half of the stop bit may overlap the next byte, which allows for a sender
    whose clock is up to 3 % off (``divisor`` >= 8). After a stop bit that is 0, and after a reset,
    the line must be 1 before a byte can begin.

    ``valid`` or ``error`` is 1 for one cycle, ``9 * divisor + divisor // 2 + 3`` cycles after the
    edge on the pin, and ``data`` is held for ``divisor`` cycles more. There is no back-pressure.

    Parameters
    ----------
    divisor : clock cycles per bit, at least `MIN_DIVISOR`.

    Members
    -------
    rx : In(1)
    data : Out(8)
    valid : Out(1), ``data`` is a byte.
    error : Out(1), a byte arrived without its stop bit.

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
        line = Signal(init=1)  # the pin, synchronized
        line_before = Signal()  # `line` in the cycle before
        m.submodules += FFSynchronizer(self.rx, line, init=1)
        m.d.sync += line_before.eq(line)

        busy = Signal()  # a byte is being received
        timer = Signal(range(self.divisor))  # cycles until the next sample
        bit = Signal(range(10))  # that is sampled next; 0 is the start bit, 9 the stop bit
        tick = Signal()  # `timer` is 0
        m.d.sync += [self.valid.eq(0), self.error.eq(0)]
        m.d.sync += [timer.eq(timer - 1), tick.eq(busy & (timer == 1))]
        with m.If(~busy):
            # Less one cycle, because `busy` follows the edge by one.
            m.d.sync += [busy.eq(line_before & ~line), timer.eq(self.divisor // 2 - 1), bit.eq(0)]
        with m.Elif(tick):
            m.d.sync += [timer.eq(self.divisor - 1), bit.eq(bit + 1)]
            with m.If(bit == 9):
                m.d.sync += [self.valid.eq(line), self.error.eq(~line), busy.eq(0)]
            with m.Elif(bit == 0):
                m.d.sync += busy.eq(~line)
            with m.Else():
                m.d.sync += self.data.eq(Cat(self.data[1:], line))
        return m


class UartTransmitter(wiring.Component):
    """Sends bytes on pin ``tx``, each ``10 * divisor`` cycles long.

    The pin falls one cycle after a byte is accepted. The next byte is accepted in the last cycle of
    the stop bit, so the gap between two bytes is one cycle. The pin is 1 in reset and while idle.

    Parameters
    ----------
    divisor : clock cycles per bit, at least `MIN_DIVISOR`.

    Members
    -------
    i : In(stream of 8 bits)
    tx : Out(1)

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
        timer = Signal(range(self.divisor))  # cycles until the next bit
        left = Signal(range(11))  # bits of this byte, including the one on the pin
        rest = Signal(8, init=0xFF)  # bits to send, the next one lowest
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
