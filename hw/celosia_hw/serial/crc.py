"""CRC of serial packets, one bit per cycle: bytes come slowly, and logic is dear."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCrc"]

#: CRC-32 of zlib, least significant bit first.
_POLYNOMIAL = 0xEDB88320


class SerialCrc(wiring.Component):
    """CRC-32 of all bytes since ``start``, the one of zlib, made or compared.

    A byte is taken in the cycle of ``valid`` and goes through in the 8 cycles after; ``done`` is 1
    for one cycle, the 9th after. Until then ``valid`` and ``start`` must stay 0. A byte that comes
    with ``closing`` is one of the CRC's own, lowest first: it does not go into the CRC but is
    compared with it.

    Members
    -------
    start : In(1); data : In(8); valid : In(1); closing : In(1), held until ``done``.
    byte : Out(8), the last byte, from ``done`` until the next is taken; done : Out(1)
    crc : Out(8), what the next ``closing`` byte should be, likewise.
    match : Out(1), every ``closing`` byte since ``start`` was.
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
        rest = Signal(32, init=0xFFFFFFFF)
        busy, place = Signal(), Signal(range(8))
        ends = busy & (place == 7)
        differs = self.byte[0] ^ rest[0]
        m.d.comb += self.crc.eq(~rest)
        m.d.sync += self.done.eq(ends)
        with m.If(self.valid):
            m.d.sync += [self.byte.eq(self.data), busy.eq(1)]
        with m.Elif(busy):
            # Once around, the byte is itself again.
            m.d.sync += [self.byte.eq(self.byte.rotate_right(1)), place.eq(place + 1)]
            m.d.sync += busy.eq(~ends)
        with m.If(self.start):
            m.d.sync += [rest.eq(rest.init), self.match.eq(1)]
        with m.Elif(busy):
            m.d.sync += rest.eq((rest >> 1) ^ Mux(differs & ~self.closing, _POLYNOMIAL, 0))
            # The CRC goes over the line inverted.
            with m.If(self.closing & ~differs):
                m.d.sync += self.match.eq(0)
        return m
