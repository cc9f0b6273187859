"""The int8 array: rows x cols multiply-accumulators with double-buffered sums."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, ACTIVATION, WEIGHT, Config

__all__ = ["MacArray"]

#: Cells that share one packed register: as wide as the compilers of simulations like it.
BLOCK = 256


class MacArray(wiring.Component):
    """``acc[r][c] += u[r] * w[c]`` in every cell, output stationary.

    In a cycle with ``en`` the operands are multiplied (one cycle) and added (one more); ``first``
    starts a new sum instead of adding. After ``last`` the sums are copied, all at once, into a
    chain of words of ``lanes`` channels, ordered by word and then by row. ``captured`` is 1 in the
    cycle of the copy, two after ``last``; from the next one on `head` is the chain's first word,
    and ``shift`` moves the chain up by one word. The next tile may start at once; its ``last`` must
    come late enough for the chain to be empty again.

    Cells stand in wide packed registers of 32-bit lanes, and every lane is plain 32-bit
    arithmetic: Verilator makes straight-line code of that, which a C++ compiler turns into vector
    instructions (ten times the speed of one signal per cell), and synthesis sees one multiplier and
    one adder per cell all the same. Products repeat their sign bit to fill a lane, which
    synthesis merges.

    Members
    -------
    u : In(``rows`` bytes, unsigned), w : In(``cols`` bytes, signed)
    en, first, last : In(1)
    captured : Out(1); shift : In(1); head : Out(array of ``lanes`` signed 32)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "u": In(data.ArrayLayout(unsigned(ACTIVATION.width), config.rows)),
                "w": In(data.ArrayLayout(signed(WEIGHT.width), config.cols)),
                "en": In(1),
                "first": In(1),
                "last": In(1),
                "captured": Out(1),
                "shift": In(1),
                "head": Out(data.ArrayLayout(signed(ACC.width), config.lanes)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        en, first, last = Signal(), Signal(), Signal()
        m.d.sync += [
            en.eq(self.en),
            first.eq(self.first),
            last.eq(self.en & self.last),
            self.captured.eq(last),
        ]
        sums = self._accumulate(m, en, first)
        m.d.comb += self.head.eq(self._chain(m, sums))
        return m

    def _accumulate(self, m, en, first):
        """Multiply, then add; returns the sum of each cell (row, col)."""
        # Operands are widened once per row and column, not in every cell.
        u = [Signal(signed(16), name=f"u_{row}") for row in range(self.config.rows)]
        w = [Signal(signed(16), name=f"w_{col}") for col in range(self.config.cols)]
        m.d.comb += [wide.eq(self.u[row]) for row, wide in enumerate(u)]
        m.d.comb += [wide.eq(self.w[col]) for col, wide in enumerate(w)]
        keep = Signal(ACC.width)  # all ones to add, 0 to start anew: a mask, not a multiplexer
        m.d.comb += keep.eq((~first).replicate(ACC.width))

        sums = {}
        cells = [(row, col) for row in range(len(u)) for col in range(len(w))]
        for start in range(0, len(cells), BLOCK):
            block = cells[start : start + BLOCK]
            width = ACC.width * len(block)
            product = Signal(width, name=f"product_{start}", reset_less=True)
            acc = Signal(width, name=f"acc_{start}", reset_less=True)
            lanes = [slice(n, n + ACC.width) for n in range(0, width, ACC.width)]
            # No enable: `en` travels along and decides about the sum.
            m.d.sync += product.eq(Cat((u[row] * w[col])[: ACC.width] for row, col in block))
            with m.If(en):
                m.d.sync += acc.eq(
                    Cat(((acc[lane] & keep) + product[lane])[: ACC.width] for lane in lanes)
                )
            sums.update((cell, acc[lane]) for cell, lane in zip(block, lanes, strict=True))
        return sums

    def _chain(self, m, sums):
        """Copy the sums when captured, then shift them out; returns the head."""
        lanes = self.config.lanes
        order = [
            (row, word * lanes + lane)
            for word in range(self.config.words_per_tile)
            for row in range(self.config.rows)
            for lane in range(lanes)
        ]
        step = max(1, BLOCK // lanes) * lanes
        blocks = [order[start : start + step] for start in range(0, len(order), step)]
        chain = [
            Signal(ACC.width * len(block), name=f"chain_{n}", reset_less=True)
            for n, block in enumerate(blocks)
        ]
        width = ACC.width * lanes
        for block, here, after in zip(blocks, chain, [*chain[1:], C(0, width)], strict=True):
            with m.If(self.captured):
                m.d.sync += here.eq(Cat(sums[cell] for cell in block))
            with m.Elif(self.shift):
                m.d.sync += here.eq(Cat(here[width:], after[:width]))
        return chain[0][:width]
