"""The order in which the beats of a layer are drained."""

from amaranth import *

from celosia.spec import Config
from celosia.spec.maps import ADDRESS_BITS
from celosia_hw.layouts import tag
from celosia_hw.util.loop_counter import LoopCounter

from .layer_queue import drained_layer

__all__ = ["DrainLoop"]


class DrainLoop(Elaboratable):
    """Counts through a layer: beats of rows of words of tiles of steps, beats fastest.

    Only rows with results count. A tile has ``words``. A dense layer has one step, and word v of
    its tile t is stored at ``dst + t * words + v``. In engines with convolution, word v of tile t
    of row r in step i has the number ``r * result_row + i * result_pixel + t * words + v`` modulo
    2**16, and its mask is stored at ``dst + i * result_pixel + t * words + v``. All rows of a word
    have the same parameters, the next word has the `Config.beats` that follow; a step begins with
    the first ones again.

    All outputs are of the beat that is decided on next. All but the ends are registers, and the
    ends are conditions of few registers.

    Attributes
    ----------
    opens : in, 1: ``layer`` (`drained_layer`) starts with the next cycle.
    go : in, 1: the beat is decided on; the next one is meant from the next cycle on.
    whole, row, dst, number, word_end, layer_end : out, as in `celosia_hw.layouts.tag`; number with
        convolution only.
    tile_end : out, 1 for the last beat of a tile.
    params : out, its parameter word.
    """

    def __init__(self, config: Config):
        self.config = config
        self.opens = Signal()
        self.layer = Signal(drained_layer(config))
        self.go = Signal()
        fields = tag(config)
        self.whole = Signal()
        self.word_end = Signal()
        self.tile_end = Signal()
        # Kept as it is: `go` is late, and must not be first what this is made of.
        self.layer_end = Signal(attrs={"keep": 1})
        self.row = Signal(fields["row"].shape)
        self.dst = Signal(fields["dst"].shape)
        self.number = Signal(ADDRESS_BITS)
        self.params = Signal(range(config.param_depth))

    def elaborate(self, platform):
        m = Module()
        config, go = self.config, self.go
        beat = LoopCounter(config.beats, name="beat")
        word = LoopCounter(config.words_per_tile, name="word")
        row_ends = Signal(init=1)
        last_word = word.ends
        if config.convolution:
            depthwise = Signal()
            last_word = word.ends | depthwise
            with m.If(self.opens):
                m.d.sync += depthwise.eq(self.layer.depthwise)
        step_end = Signal()
        last_tile = self._tiles(m, step_end)
        last_step, fewer_next = self._steps(m, step_end) if config.convolution else (1, 0)
        m.d.comb += [
            self.whole.eq(beat.ends),
            self.word_end.eq(beat.ends & row_ends),
            self.tile_end.eq(self.word_end & last_word),
            step_end.eq(self.tile_end & last_tile),
            self.layer_end.eq(step_end & last_step),
        ]
        with m.If(go):
            m.d.sync += beat.step()
            with m.If(self.word_end & (word.ends | ~last_word)):
                m.d.sync += word.step()
        if config.rows > 1:
            self._rows(m, row_ends, beat.ends, step_end, fewer_next)
        if config.convolution:
            self._numbers(m, beat.ends, step_end)
        else:
            with m.If(self.opens):
                m.d.sync += self.dst.eq(self.layer.dst)
            with m.Elif(go & self.word_end):
                m.d.sync += self.dst.eq(self.dst + 1)
        self._parameters(m, beat.ends, step_end)
        return m

    def _tiles(self, m: Module, step_end: Value) -> Signal:
        """Returns 1 in the last tile of a step."""
        layer = self.layer
        left = Signal.like(layer.tiles, name="tiles_left")
        last = Signal(name="last_tile")
        with m.If(self.go & self.tile_end):
            m.d.sync += [left.eq(left - 1), last.eq(left == 2)]
        if self.config.convolution:
            tiles = Signal.like(layer.tiles)
            one_tile = Signal()
            with m.If(self.go & step_end):
                m.d.sync += [left.eq(tiles), last.eq(one_tile)]
            with m.If(self.opens):
                m.d.sync += [tiles.eq(layer.tiles), one_tile.eq(layer.tiles == 1)]
        with m.If(self.opens):
            m.d.sync += [left.eq(layer.tiles), last.eq(layer.tiles == 1)]
        return last

    def _steps(self, m: Module, step_end: Value) -> tuple[Signal, Signal]:
        """Returns (1 in the last step, 1 when the next one has a row less)."""
        layer = self.layer
        left = Signal.like(layer.steps, name="steps_left")
        last = Signal(name="last_step")
        full_left = Signal.like(layer.rows_full)
        fewer_next = Signal()
        with m.If(self.go & step_end):
            m.d.sync += [
                left.eq(left - 1),
                last.eq(left == 2),
                full_left.eq(full_left - 1),
                fewer_next.eq(full_left == 2),
            ]
        with m.If(self.opens):
            m.d.sync += [
                left.eq(layer.steps),
                last.eq(layer.steps == 1),
                full_left.eq(layer.rows_full),
                fewer_next.eq(layer.rows_full == 1),
            ]
        return last, fewer_next

    def _rows(self, m: Module, row_ends, beat_ends, step_end, fewer_next) -> None:
        """Count the rows; ``row_ends`` is known a cycle ahead."""
        row, last = self.row, Signal.like(self.row, name="last_row")
        with m.If(self.go & beat_ends):
            m.d.sync += [
                row.eq(Mux(row_ends, 0, row + 1)),
                row_ends.eq(Mux(row_ends, last == 0, row + 1 == last)),
            ]
        with m.If(self.go & step_end & fewer_next):
            m.d.sync += [last.eq(last - 1), row_ends.eq(last == 1)]
        first_last = self.layer.last_row
        if self.config.convolution:
            first_last = (first_last - (self.layer.rows_full == 0))[: len(first_last)]
        with m.If(self.opens):
            m.d.sync += [row.eq(0), last.eq(first_last), row_ends.eq(first_last == 0)]

    def _numbers(self, m: Module, beat_ends, step_end) -> None:
        """Numbers of words, and where their masks are stored."""
        layer = self.layer
        of_word = Signal(ADDRESS_BITS)  # row 0's number of the word
        of_step = Signal(ADDRESS_BITS)  # row 0's first number of the step
        result_row = Signal.like(layer.result_row)
        result_pixel = Signal.like(layer.result_pixel)
        dst = Signal.like(layer.dst, name="first_dst")
        next_step = (of_step + result_pixel)[:16]
        m.d.comb += self.dst.eq(dst + of_word)
        with m.If(self.go & beat_ends):
            m.d.sync += self.number.eq(self.number + result_row)
        with m.If(self.go & self.word_end):
            m.d.sync += [of_word.eq(of_word + 1), self.number.eq(of_word + 1)]
        with m.If(self.go & step_end):
            m.d.sync += [each.eq(next_step) for each in (of_step, of_word, self.number)]
        with m.If(self.opens):
            m.d.sync += [each.eq(0) for each in (of_step, of_word, self.number)]
            m.d.sync += [
                result_row.eq(layer.result_row),
                result_pixel.eq(layer.result_pixel),
                dst.eq(layer.dst),
            ]

    def _parameters(self, m: Module, beat_ends, step_end) -> None:
        beats, first = self.config.beats, self.layer.params
        of_word = Signal.like(first, name="params_of_word")  # of the word's first beat
        with m.If(self.go):
            m.d.sync += self.params.eq(Mux(beat_ends, of_word, self.params + 1))
            with m.If(self.word_end):
                m.d.sync += [of_word.eq(of_word + beats), self.params.eq(of_word + beats)]
        if self.config.convolution:
            of_step = Signal.like(first, name="params_of_step")
            with m.If(self.go & step_end):
                m.d.sync += [of_word.eq(of_step), self.params.eq(of_step)]
            with m.If(self.opens):
                m.d.sync += of_step.eq(first)
        with m.If(self.opens):
            m.d.sync += [of_word.eq(first), self.params.eq(first)]
