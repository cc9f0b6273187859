"""CRC of serial packets, one bit per cycle: bytes come slowly, and logic is dear."""

from amaranth import *
from amaranth.lib import crc, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCrc"]


class SerialCrc(wiring.Component):
    """CRC-32 of all bytes since ``start``, the one of zlib.

    A byte is taken in the cycle of ``valid`` and is in the result 9 cycles later; ``valid`` must
    stay 0 for the 8 cycles in between (a UART's bytes are 40 or more apart). ``start`` begins anew
    and wins over all else.

    Members
    -------
    start : In(1); data : In(8); valid : In(1)
    crc : Out(32); match : Out(1), the last four bytes were the CRC of those before.
    """

    start: In(1)
    data: In(8)
    valid: In(1)
    crc: Out(32)
    match: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.submodules.bits = bits = crc.catalog.CRC32_ISO_HDLC(data_width=1).create()
        rest = Signal(8)
        left = Signal(range(9))
        m.d.comb += [
            bits.start.eq(self.start),
            bits.data.eq(rest[0]),
            bits.valid.eq((left != 0) & ~self.start),
            self.crc.eq(bits.crc),
            self.match.eq(bits.match_detected),
        ]
        with m.If(self.start):
            m.d.sync += left.eq(0)
        with m.Elif(self.valid):
            m.d.sync += [rest.eq(self.data), left.eq(8)]
        with m.Elif(left != 0):
            m.d.sync += [rest.eq(rest[1:]), left.eq(left - 1)]
        return m
