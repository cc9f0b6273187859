"""CRC of serial packets, one bit per cycle: a UART is slow, and a byte-wide CRC costs logic."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCrc"]

#: CRC-32 of zlib, least significant bit first.
_POLYNOMIAL = 0xEDB88320


class SerialCrc(wiring.Component):
    """CRC-32 of zlib (`zlib.crc32`) over all bytes since ``start``, generated or checked.

    A byte is accepted in the cycle of ``valid`` and processed in the 8 cycles after it; ``done`` is
    1 for one cycle, 9 cycles after ``valid``. Until then ``valid`` and ``start`` must stay 0:
    latency 9, one byte every 9 cycles at most. A byte with ``closing`` belongs to the CRC field
    itself, lowest byte first: it is compared with the CRC and not added to it.

    Members
    -------
    start : In(1), begin a new CRC.
    data : In(8)
    valid : In(1), accept ``data``.
    closing : In(1), ``data`` is a byte of the CRC field; held until ``done``.
    byte : Out(8), the byte accepted last, from ``done`` until the next is accepted.
    done : Out(1)
    crc : Out(8), the value of the next ``closing`` byte, valid when ``byte`` is.
    match : Out(1), every ``closing`` byte since ``start`` was the expected one.
    """

    start: In(1)
    data: In(8)
    closing: In(1)
    valid: In(1)
    byte: Out(8)
    done: Out(1)
    crc: Out(8)
    match: Out(1, init=1)

    def elaborate(self, platform):
        m = Module()
        remainder = Signal(32, init=0xFFFFFFFF)
        busy = Signal()  # a byte is being processed
        bit = Signal(range(8))  # its bit that is next
        last_bit = busy & (bit == 7)
        differs = self.byte[0] ^ remainder[0]
        m.d.comb += self.crc.eq(~remainder)
        m.d.sync += self.done.eq(last_bit)
        with m.If(self.valid):
            m.d.sync += [self.byte.eq(self.data), busy.eq(1)]
        with m.Elif(busy):
            # After 8 rotations the byte has its value again.
            m.d.sync += [self.byte.eq(self.byte.rotate_right(1)), bit.eq(bit + 1)]
            m.d.sync += busy.eq(~last_bit)
        with m.If(self.start):
            m.d.sync += [remainder.eq(remainder.init), self.match.eq(1)]
        with m.Elif(busy):
            feedback = Mux(differs & ~self.closing, _POLYNOMIAL, 0)
            m.d.sync += remainder.eq((remainder >> 1) ^ feedback)
            # The CRC field is the inverted remainder.
            with m.If(self.closing & ~differs):
                m.d.sync += self.match.eq(0)
        return m
