"""The int8 array: rows x cols multiply-accumulators with double-buffered sums."""

from itertools import groupby

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, Config
from celosia.spec.timing import ARRAY_LATENCY, PRODUCT_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import operands, sums
from celosia_hw.util.delay import delay

from .chain import BLOCK, Chain
from .held import Held

__all__ = ["MacArray"]


class MacArray(wiring.Component):
    """``acc[r][c] += u[r] * w[c]`` in every cell, output stationary; with `Config.depthwise`
    ``acc[r][c] += u[r][c] * w[c]``.

    Products follow their operands by `PRODUCT_LATENCY` cycles and are added in that cycle. In the
    cycle of a tile's ``last`` product, all sums are copied and start anew from 0. ``capturing`` is
    1 in the cycle before. The copy is a `Held`, or where the technology says so a `Chain` with
    `Held.latency` registers behind its head. The tile's first beat is meant from `latency` cycles
    after the last operands on, and the next beat from two cycles after each ``shift`` on; `head` is
    the beat that was meant `Held.latency` cycles ago. The next tile may start at once; its sums
    must not be copied before those of the tile before have left. One set of operands per cycle,
    never stalled. With multicycle requantizers the copy is a `Chain`, a cycle later, and `head` is
    the beat that is meant. Sums start from 0 after a reset of two cycles. Bit-exact with
    `celosia.numerics.array.accumulate`.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : `celosia.spec.timing.ARRAY_LATENCY`, from the last operands to the first cycle in
        which their sums are meant (one more with multicycle requantizers).

    Members
    -------
    i : In(stream of `operands`, always ready).
    capturing : Out(1).
    shift : In(1).
    word_end : In(1), with ``shift``: go on with the tile's next word, as in `Held`.
    head : Out(`sums`).
    """

    latency = ARRAY_LATENCY

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(operands(config), always_ready=True)),
                "capturing": Out(1),
                "shift": In(1),
                "word_end": In(1),
                "head": Out(sums(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        payload = self.i.payload
        m.submodules.products = products = cells_of(platform).Products(self.config)
        for (row, col), u in products.u.items():
            if self.config.depthwise:
                m.d.comb += u.eq(payload.u[row][col])
            elif not col:
                m.d.comb += u.eq(payload.u[row])
        m.d.comb += [w.eq(payload.w[col]) for col, w in enumerate(products.w)]

        cycles = PRODUCT_LATENCY - 1
        en = delay(m, self.i.valid, cycles, name="en", reset=True)
        ends = delay(m, self.i.valid & payload.last, cycles - 1, name="ends", reset=True)
        last = Signal()
        # Sums also start from 0 after a reset, and need no reset of their own.
        clear_next = Signal(init=1)
        m.d.sync += [last.eq(ends), clear_next.eq(ends)]
        m.d.comb += self.capturing.eq(last)
        late = self.config.requantizer_cycles > 1
        rows, cells = self.config.rows, cells_of(platform)
        kept = cells.kept_sum is not None and not late
        if kept:
            # The sums are not cleared: a tile's first products leave them out.
            keep_next = Signal()
            m.d.sync += keep_next.eq(~clear_next & (keep_next | en))
        # Copies near to the sums, because the sums are many.
        add = cells.copies(m, "add", en, rows)
        restart = cells.copies(m, *(("keep", keep_next) if kept else ("clear", clear_next)), rows)
        if late:
            # A sum that is registered before it is copied shares its logic cells with the copy.
            later, last = Signal(init=1), Signal()
            m.d.sync += [later.eq(restart[0]), last.eq(self.capturing)]
            restart = [later] * rows
        chained = late or cells.CHAINED
        m.submodules.chain = chain = (Chain if chained else Held)(self.config)
        head = chain.head
        if chained and not late:
            head = delay(m, head, Held.latency, name="head")
        if kept:
            totals = self._accumulate_kept(m, cells.kept_sum, products.p, add, restart)
        else:
            totals = self._accumulate(m, products.p, add, restart, late)
        m.d.comb += [total.eq(totals[cell]) for cell, total in chain.totals.items()]
        m.d.comb += [
            chain.capture.eq(last),
            chain.shift.eq(self.shift),
            chain.word_end.eq(self.word_end),
            self.head.eq(head),
        ]
        return m

    def _accumulate(self, m, products, add, clear, late):
        """The sum of each cell {(row, col): value}, the product of this cycle included; ``add`` and
        ``clear`` are signals of each row.

        With ``late`` it is not, and ``clear`` is 1 with the first product of the next tile.
        """
        totals = {}
        for (adds, clears), block in self._blocks(products, add, clear):
            width = ACC.width * len(block)
            acc = Signal(width, name="acc_{}_{}".format(*block[0]), reset_less=True)
            before = {cell: acc[ACC.width * n :][: ACC.width] for n, cell in enumerate(block)}
            for row, col in block:
                # A signal of its own: Icarus is slow with wide ones that are driven in parts.
                total = Signal(ACC.width, name=f"total_{row}_{col}")
                m.d.comb += total.eq(before[row, col] + products[row, col])
                totals[row, col] = total
            total = Cat(totals[cell] for cell in block)
            if late:
                first = Cat(_widened(products[cell]) for cell in block)
                with m.If(clears & ~adds):
                    m.d.sync += acc.eq(0)
                with m.Elif(adds):
                    m.d.sync += acc.eq(Mux(clears, first, total))
                totals |= before
            else:
                with m.If(clears):
                    m.d.sync += acc.eq(0)
                with m.Elif(adds):
                    m.d.sync += acc.eq(total)
        return totals

    def _accumulate_kept(self, m, kept_sum, products, add, keep):
        """As `_accumulate`; the sum so far counts only while ``keep`` of its row is 1."""
        totals = {}
        for (row, col), product in products.items():
            acc = Signal(ACC.width, name=f"acc_{row}_{col}", reset_less=True)
            total = kept_sum(m, f"{row}_{col}", product, acc, keep[row])
            with m.If(add[row]):
                m.d.sync += acc.eq(total)
            totals[row, col] = total
        return totals

    def _blocks(self, products, add, clear):
        """(add, clear) and the cells that share them and a packed register."""
        controls = {row: (add[row], clear[row]) for row in range(self.config.rows)}
        for _, cells in groupby(products, lambda cell: [id(each) for each in controls[cell[0]]]):
            cells = list(cells)
            for start in range(0, len(cells), BLOCK):
                block = cells[start : start + BLOCK]
                yield controls[block[0][0]], block


def _widened(product: Value) -> Value:
    """``product`` with the width of a sum."""
    return Cat(product, product[-1].replicate(ACC.width - len(product)))
