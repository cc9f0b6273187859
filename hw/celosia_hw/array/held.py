"""A copy of a finished tile's sums, of which a beat after the other leaves the array."""

from itertools import product

from amaranth import *
from amaranth.utils import ceil_log2

from celosia.spec import ACC, Config, ceil_div
from celosia_hw.cells import cells_of
from celosia_hw.util.delay import delay

__all__ = ["Held"]


class Held(Elaboratable):
    """A copy of all sums that stays where it is, and a choice of ``requantizers`` of them.

    Order: by activation word of the tile, then by row, then by channel. With ``capture`` in cycle
    t, ``head`` is the first beat of the sums of cycle t + 1 from t + 2 + `latency` on; with
    ``shift`` in cycle t it is the next beat from t + 2 + `latency` on, with ``word_end`` too the
    first one of the next word, whatever rows are left of this one. A capture is not undone by a
    shift in its cycle. One shift per cycle.

    A beat is chosen in two steps with a register each, because the sums are all over the device: a
    chain through which they are shifted takes more logic, and a signal that moves all of it.

    Attributes
    ----------
    latency : cycles from what is meant to ``head``.
    totals : {(row, col): signal of `ACC.width` bits}, in.
    capture, shift, word_end : in.
    head : out, ``requantizers`` sums side by side.
    """

    latency = 2

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
        config, cells = self.config, cells_of(platform)
        # Copies near to the sums, because the sums are many.
        captured = cells.copies(m, "captured", self.capture, config.rows)
        beats: dict[tuple[int, int, int], Value] = {}  # by word, row, beat
        for row in range(config.rows):
            held = Signal(ACC.width * config.cols, name=f"held_{row}", reset_less=True)
            with m.If(captured[row]):
                m.d.sync += held.eq(Cat(self.totals[row, col] for col in range(config.cols)))
            for word, beat in product(range(config.words_per_tile), range(config.beats)):
                first = word * config.lanes + beat * config.requantizers
                beats[word, row, beat] = held[ACC.width * first :][: len(self.head)]
        beat_bits, row_bits = ceil_log2(config.beats), ceil_log2(config.rows)
        words = {
            (word << row_bits | row) << beat_bits | beat: sums
            for (word, row, beat), sums in beats.items()
        }
        m.d.comb += self.head.eq(self._choose(m, cells, self._meant(m), words))
        return m

    def _meant(self, m: Module) -> Value:
        """Beat, row and word of the beat that is meant in the next cycle, the beat lowest."""
        config = self.config
        counts = {"beat": config.beats, "row": config.rows, "word": config.words_per_tile}
        beat, row, word = here = [Signal(range(n), name=name) for name, n in counts.items()]
        following = [Signal.like(each, name=f"next_{each.name}") for each in here]
        next_beat, next_row, next_word = following
        begins, moves, word_ended = Signal(), Signal(), Signal()
        m.d.sync += [
            begins.eq(self.capture),
            moves.eq(self.shift),
            word_ended.eq(self.word_end),
            *(each.eq(after) for each, after in zip(here, following, strict=True)),
        ]
        m.d.comb += [after.eq(each) for each, after in zip(here, following, strict=True)]
        with m.If(begins):
            m.d.comb += [after.eq(0) for after in following]
        with m.Elif(moves & word_ended):
            m.d.comb += [next_beat.eq(0), next_row.eq(0), next_word.eq(word + 1)]
        with m.Elif(moves):
            row_ends = beat == config.beats - 1
            m.d.comb += [next_beat.eq(Mux(row_ends, 0, beat + 1)), next_row.eq(row + row_ends)]
        return Cat(following)

    def _choose(self, m: Module, cells, meant: Value, words: dict[int, Value]) -> Value:
        """The one of ``words`` by their number that was current two cycles ago."""
        low_bits = ceil_div(len(meant), 2)
        groups: dict[int, dict[int, Value]] = {}
        for number, sums in words.items():
            of_group = groups.setdefault(number >> low_bits, {})
            of_group[number & (1 << low_bits) - 1] = sums
        lows = cells.copies(m, "low", meant[:low_bits], len(groups))
        high = delay(m, meant[low_bits:], 2, name="high")
        chosen = {}
        for (number, of_group), low in zip(groups.items(), lows, strict=True):
            chosen[number] = Signal(len(self.head), name=f"chosen_{number}", reset_less=True)
            _register(m, low, of_group, chosen[number])
        head = Signal.like(self.head, name="chosen", reset_less=True)
        _register(m, high, chosen, head)
        return head


def _register(m: Module, index: Value, words: dict[int, Value], word: Signal) -> None:
    """Register the one of ``words`` whose number is ``index``; any, if there is none."""
    *others, (_, rest) = words.items()
    with m.Switch(index):
        for number, each in others:
            with m.Case(number):
                m.d.sync += word.eq(each)
        with m.Default():
            m.d.sync += word.eq(rest)
