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
    t it is the next beat from t + 2 on, with ``word_end`` too the first one of the next word,
    whatever rows are left of this one. Both in one cycle: the sums win. One shift per cycle.

    Attributes
    ----------
    totals : {(row, col): signal of `ACC.width` bits}, in.
    capture, shift, word_end : in.
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
        self.capture, self.shift, self.word_end = Signal(), Signal(), Signal()
        self.head = Signal(ACC.width * config.requantizers)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        # Registers, because they fan out to the whole chain. It moves, and does so by taking the
        # sums.
        moves = Signal()
        captured = Signal()
        m.d.sync += [moves.eq(self.capture | self.shift), captured.eq(self.capture)]
        words = [
            [
                (row, word * config.lanes + lane)
                for row in range(config.rows)
                for lane in range(config.lanes)
            ]
            for word in range(config.words_per_tile)
        ]
        if config.rows == 1:
            # A word is never left early: all of them are one chain.
            words = [sum(words, [])]
        word = Signal(range(len(words)))  # that is shifted out
        word_ended = Signal()
        m.d.sync += word_ended.eq(self.word_end)
        with m.If(captured):
            m.d.sync += word.eq(0)
        with m.Elif(moves & word_ended):
            m.d.sync += word.eq(word + 1)
        heads = [
            self._shifted(m, n, order, captured, moves & (captured | (word == n)))
            for n, order in enumerate(words)
        ]
        m.d.comb += self.head.eq(Array(heads)[word])
        return m

    def _shifted(self, m: Module, number: int, order, captured: Value, moves: Value) -> Value:
        """The first beat of a chain of the cells in ``order``."""
        requantizers = self.config.requantizers
        size = max(1, BLOCK // requantizers) * requantizers
        blocks = [order[start : start + size] for start in range(0, len(order), size)]
        chain = [
            Signal(ACC.width * len(block), name=f"chain_{number}_{n}", reset_less=True)
            for n, block in enumerate(blocks)
        ]
        beat = len(self.head)
        for block, here, after in zip(blocks, chain, [*chain[1:], C(0, beat)], strict=True):
            sums = Cat(self.totals[cell] for cell in block)
            with m.If(moves):
                m.d.sync += here.eq(Mux(captured, sums, Cat(here[beat:], after[:beat])))
        return chain[0][:beat]
