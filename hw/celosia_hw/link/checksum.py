"""Checksum: words of records to their CRC."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from celosia.spec import CHECKSUM, Config
from celosia_hw.layouts import struct

__all__ = ["Checksum"]


class Checksum(wiring.Component):
    """CRC-32 of link words, lowest bytes first: ``zlib.crc32`` of the bytes of all ``word`` since
    ``start``.

    A byte per cycle, because a CRC of a whole word takes several times the logic. A word of the
    cycle of ``valid`` is processed in the ``link_bytes`` cycles after it, in which ``busy`` is 1,
    and ``o`` includes it from the cycle after these on. ``full`` is 1 in these cycles but for the
    last one: ``valid`` has to be 0 then. So throughput is a word every ``link_bytes`` cycles.

    In the cycle of ``start``, ``valid`` and ``busy`` have to be 0. In reset no byte is processed,
    and ``o`` is the CRC of no bytes.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    start : In(1), begin a new CRC.
    word : In(8 * link_bytes); valid : In(1), accept it.
    full : Out(1), it must not be valid; busy : Out(1), ``o`` is not final.
    o : Out(`CHECKSUM`)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "word": In(8 * config.link_bytes),
                "valid": In(1),
                "full": Out(1),
                "busy": Out(1),
                "o": Out(struct(CHECKSUM)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # The library's own `start` takes a multiplexer in the loop, a reset takes none.
        crc = CRC32_ISO_HDLC(data_width=8).create()
        m.submodules.crc = ResetInserter(self.start)(crc)
        held = Signal.like(self.word, reset_less=True)
        # Bytes after the lowest one.
        left = Signal(range(self.config.link_bytes))
        m.d.comb += [
            crc.data.eq(held[:8]),
            crc.valid.eq(self.busy),
            self.full.eq(left != 0),
            self.o.crc32.eq(crc.crc),
        ]
        m.d.sync += held.eq(held >> 8)
        with m.If(left == 0):
            m.d.sync += self.busy.eq(0)
        with m.Else():
            m.d.sync += left.eq(left - 1)
        with m.If(self.valid):
            m.d.sync += [
                held.eq(self.word),
                left.eq(self.config.link_bytes - 1),
                self.busy.eq(1),
            ]
        return m
