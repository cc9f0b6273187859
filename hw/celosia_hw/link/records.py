"""Records: link words to whole records."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia_hw.layouts import link_word

__all__ = ["Records"]


class Records(wiring.Component):
    """Joins link words to records, lowest bytes first.

    ``o.payload`` is the last ``words`` words that were taken, the newest at its upper end: a
    record of ``n`` words is in the upper ``n``, and what is below them belongs to earlier ones.

    ``o`` is valid from the cycle after the word with ``last`` until it is ready. ``i`` is ready
    while ``o`` is empty or ready, so throughput is a word per cycle as long as ``o`` is ready.
    Reset empties ``o``; a part of a record is kept, and moves down as later words are taken.

    Parameters
    ----------
    config : shape of the engine; words : link words of the longest record.

    Members
    -------
    i : In(stream of `link_word`); ``last`` is 1 on the last word of a record.
    o : Out(stream of ``8 * link_bytes * words`` bits)
    """

    def __init__(self, config: Config, *, words: int):
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "o": Out(stream.Signature(8 * config.link_bytes * words)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        joined = Signal(len(self.o.payload), reset_less=True)
        word = self.i.payload.data
        m.d.comb += [
            self.o.payload.eq(joined),
            self.i.ready.eq(~self.o.valid | self.o.ready),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & self.i.payload.last)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += joined.eq(Cat(joined, word)[len(word) :])
        return m
