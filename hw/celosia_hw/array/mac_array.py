"""The int8 array: rows x cols multiply-accumulators with double-buffered sums."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, ACTIVATION, WEIGHT, Config
from celosia.spec.timing import PRODUCT_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import sums

__all__ = ["MacArray"]

#: Cells that share one packed register: as wide as the compilers of simulations like it.
BLOCK = 256


class MacArray(wiring.Component):
    """``acc[r][c] += u[r] * w[c]`` in every cell, output stationary.

    The products of a cycle's operands come `PRODUCT_LATENCY` cycles later from the cells of the
    technology and are added in that cycle if ``en`` came with the operands. With ``last`` the sums
    go, all at once, into a chain, ordered by activation word, then by row, then by channel, and
    start anew from 0. ``capturing`` is 1 in the cycle before that; from the one after it on `head`
    is the chain's first ``requantizers`` sums; a cycle after ``shift`` the chain moves up by as
    many. The next tile may start at once; its ``last`` must come late enough for the chain to be
    empty again. One set of operands per cycle. With slow requantizers all that is about the chain
    is a cycle later, except ``capturing``.

    Members
    -------
    u : In(``rows`` bytes, unsigned), w : In(``cols`` bytes, signed)
    en, last : In(1)
    capturing : Out(1); shift : In(1); head : Out(`sums`)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "u": In(data.ArrayLayout(unsigned(ACTIVATION.width), config.rows)),
                "w": In(data.ArrayLayout(signed(WEIGHT.width), config.cols)),
                "en": In(1),
                "last": In(1),
                "capturing": Out(1),
                "shift": In(1),
                "head": Out(sums(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.products = products = cells_of(platform).Products(self.config)
        m.d.comb += [u.eq(self.u[row]) for row, u in enumerate(products.u)]
        m.d.comb += [w.eq(self.w[col]) for col, w in enumerate(products.w)]

        en, last = self.en, self.en & self.last
        for stage in range(PRODUCT_LATENCY - 1):
            later, later_last = Signal(name=f"en_{stage}"), Signal(name=f"last_{stage}")
            m.d.sync += [later.eq(en), later_last.eq(last)]
            en, last = later, later_last
        add = Signal()
        # Sums also start from 0 after a reset, and need none of their own for it.
        clear = Signal(init=1)
        m.d.comb += self.capturing.eq(last)
        m.d.sync += [add.eq(en), clear.eq(last)]
        late = self.config.requantizer_cycles > 1
        if late:
            # Sums that have come to their register and are then copied share its logic cells.
            before, clear, last = clear, Signal(init=1), Signal()
            m.d.sync += [clear.eq(before), last.eq(self.capturing)]
        # The chain moves, and does so by taking the sums: registers, because they go far.
        moves, captured = Signal(), Signal()
        m.d.sync += [moves.eq(last | self.shift), captured.eq(last)]
        totals = self._accumulate(m, products.p, add, clear, late)
        m.d.comb += self.head.eq(self._chain(m, totals, moves, captured))
        return m

    def _accumulate(self, m, products, add, clear, late):
        """Returns, of each cell (row, col), its sum with the product of this cycle.

        ``late`` : its sum before; then ``clear`` comes with the first product of the next tile.
        """
        totals = {}
        cells = list(products)
        for start in range(0, len(cells), BLOCK):
            block = cells[start : start + BLOCK]
            width = ACC.width * len(block)
            acc = Signal(width, name=f"acc_{start}", reset_less=True)
            before = {cell: acc[ACC.width * n :][: ACC.width] for n, cell in enumerate(block)}
            for row, col in block:
                # A signal of its own: Icarus is slow with wide ones that are driven in parts.
                total = Signal(ACC.width, name=f"total_{row}_{col}")
                m.d.comb += total.eq(before[row, col] + products[row, col])
                totals[row, col] = total
            total = Cat(totals[cell] for cell in block)
            if late:
                first = Cat(_widened(products[cell]) for cell in block)
                with m.If(clear & ~add):
                    m.d.sync += acc.eq(0)
                with m.Elif(add):
                    m.d.sync += acc.eq(Mux(clear, first, total))
                totals |= before
            else:
                with m.If(clear):
                    m.d.sync += acc.eq(0)
                with m.Elif(add):
                    m.d.sync += acc.eq(total)
        return totals

    def _chain(self, m, totals, moves, captured):
        """Copy the sums when captured, then shift them out; returns the head."""
        lanes = self.config.lanes
        order = [
            (row, word * lanes + lane)
            for word in range(self.config.words_per_tile)
            for row in range(self.config.rows)
            for lane in range(lanes)
        ]
        at_once = self.config.requantizers
        step = max(1, BLOCK // at_once) * at_once
        blocks = [order[start : start + step] for start in range(0, len(order), step)]
        chain = [
            Signal(ACC.width * len(block), name=f"chain_{n}", reset_less=True)
            for n, block in enumerate(blocks)
        ]
        width = ACC.width * at_once
        for block, here, after in zip(blocks, chain, [*chain[1:], C(0, width)], strict=True):
            sums_of_block = Cat(totals[cell] for cell in block)
            with m.If(moves):
                m.d.sync += here.eq(Mux(captured, sums_of_block, Cat(here[width:], after[:width])))
        return chain[0][:width]


def _widened(product: Value) -> Value:
    """``product`` with the width of a sum."""
    return Cat(product, product[-1].replicate(ACC.width - len(product)))
