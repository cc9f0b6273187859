"""The chain through which the sums of a finished tile leave the array."""

from amaranth import *

from celosia.spec import ACC, Config

__all__ = ["BLOCK", "Chain"]

#: Cells that share one packed register: as wide as simulation compilers vectorize best.
BLOCK = 256


class Chain(Elaboratable):
    """A copy of all sums, shifted out a beat of ``requantizers`` sums at a time.

    Order: by activation word of the tile, then by row, then by channel. With ``capture`` in cycle
    t, ``head`` is the first beat of the sums of cycle t + 1 from t + 2 on; with ``shift`` in cycle
    t it is the next beat from t + 2 on. Both in one cycle: the sums win. One shift per cycle.

    Attributes
    ----------
    totals : {(row, col): signal of `ACC.width` bits}, in.
    capture, shift : in.
    head : out, the first beat: ``requantizers`` sums side by side.
    """

    def __init__(self, config: Config):
        self.config = config
        # A signal for each sum: Icarus is slow with wide ones that are driven in parts.
        self.totals = {
            (row, col): Signal(ACC.width, name=f"total_{row}_{col}")
            for row in range(config.rows)
            for col in range(config.cols)
        }
        self.capture, self.shift = Signal(), Signal()
        self.head = Signal(ACC.width * config.requantizers)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        # Registers, because they fan out to the whole chain. It moves, and does so by taking the
        # sums.
        moves = Signal()
        captured = Signal()
        m.d.sync += [moves.eq(self.capture | self.shift), captured.eq(self.capture)]
        order = [
            (row, word * config.lanes + lane)
            for word in range(config.words_per_tile)
            for row in range(config.rows)
            for lane in range(config.lanes)
        ]
        size = max(1, BLOCK // config.requantizers) * config.requantizers
        blocks = [order[start : start + size] for start in range(0, len(order), size)]
        chain = [
            Signal(ACC.width * len(block), name=f"chain_{n}", reset_less=True)
            for n, block in enumerate(blocks)
        ]
        beat = len(self.head)
        for block, here, after in zip(blocks, chain, [*chain[1:], C(0, beat)], strict=True):
            sums = Cat(self.totals[cell] for cell in block)
            with m.If(moves):
                m.d.sync += here.eq(Mux(captured, sums, Cat(here[beat:], after[:beat])))
        m.d.comb += self.head.eq(chain[0][:beat])
        return m
