"""Drain: moves finished tiles out of the array, a word of channels at a time."""

from amaranth import *
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, ACTIVATION, Config
from celosia.spec.timing import RESULTS_DEPTH

from .layouts import active_layer, element, parameter_word

__all__ = ["Drain", "finish"]


def finish() -> data.StructLayout:
    """How the results of a layer are finished; steady while any of them is on its way."""
    return data.StructLayout(
        {
            "rounding": 1,
            "zero_point": ACTIVATION.width,
            "clamp_min": ACTIVATION.width,
            "clamp_max": ACTIVATION.width,
            "use_table": 1,
            "table": 4,
            "store": 1,
            "emit": 1,
            "last": 1,
        }
    )


class Drain(wiring.Component):
    """Shifts a captured tile out of the array and pairs each word with its parameters.

    A tile leaves as ``cols / lanes`` words, for each word every row in turn: ``shift`` in the cycle
    in which `head` is taken, `o` `celosia.spec.timing.DRAIN_LATENCY` cycles later. One element per
    cycle, except that an element for the host waits until one of `RESULTS_DEPTH` result slots is
    free. Layers come in order through `i` (two may wait); the next one's elements start after
    `layer_done` of the one before, so that `finish` is steady for everything behind the drain.

    Members
    -------
    i : In(stream of `active_layer`)
    claim : In(1), a tile has been finished by the feeder and will be captured; allowed only while
        ``free`` : Out(1). captured : In(1), it is.
    head : In(array of ``lanes`` sums); shift : Out(1)
    param_addr : Out, param_data : In, one cycle later.
    o : Out(`element`), o_en : Out(1), acc : Out, parameters : Out, finish : Out(`finish`)
    layer_done : In(1), the element with ``layer_end`` has arrived at the memories.
    result_taken : In(1), a result slot has become free.
    stalled : Out(1), waiting for a result slot in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        sums = data.ArrayLayout(signed(ACC.width), config.lanes)
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "claim": In(1),
                "free": Out(1),
                "captured": In(1),
                "head": In(sums),
                "shift": Out(1),
                "param_addr": Out(range(config.param_depth)),
                "param_data": In(parameter_word(config)),
                "o": Out(element(config)),
                "o_en": Out(1),
                "acc": Out(sums),
                "parameters": Out(parameter_word(config)),
                "finish": Out(finish()),
                "layer_done": In(1),
                "result_taken": In(1),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        words = config.words_per_tile

        # The layer whose tiles are being drained.
        m.submodules.layers = layers = fifo.SyncFIFO(width=self.i.payload.shape().size, depth=2)
        m.d.comb += [
            layers.w_data.eq(self.i.payload.as_value()),
            layers.w_en.eq(self.i.valid),
            self.i.ready.eq(layers.w_rdy),
        ]
        next_layer = Signal(self.i.payload.shape())
        m.d.comb += next_layer.eq(layers.r_data)
        descriptor = next_layer.descriptor
        open_ = Signal()  # a layer is loaded and has not yet arrived at the memories
        tiles_left = Signal.like(descriptor.tiles)
        images = Signal.like(next_layer.images)
        dst = Signal(range(config.act_depth))
        with m.If(self.layer_done):
            m.d.sync += open_.eq(0)
        with m.If(~open_ & layers.r_rdy):
            m.d.comb += layers.r_en.eq(1)
            m.d.sync += [
                open_.eq(1),
                tiles_left.eq(descriptor.tiles),
                images.eq(next_layer.images),
                dst.eq(descriptor.dst),
                self.param_addr.eq(descriptor.params),
                *(self.finish[name].eq(descriptor[name]) for name, _ in self.finish.shape()),
            ]

        # The tile being shifted out: element (word, row), row fastest.
        claimed = Signal()
        loaded = Signal()
        row = Signal(range(config.rows))
        word = Signal(range(words))
        row_ends = row == config.rows - 1
        tile_ends = row_ends & (word == words - 1)
        active = row <= images
        results = Signal(range(RESULTS_DEPTH + 1))  # slots taken, by waiting or coming results
        to_host = self.finish.emit & active
        wanted = loaded & open_ & (tiles_left != 0)
        m.d.comb += [
            self.shift.eq(wanted & (~to_host | (results != RESULTS_DEPTH))),
            self.stalled.eq(wanted & ~self.shift),
            self.free.eq(~claimed | (self.shift & tile_ends)),
        ]
        m.d.sync += results.eq(results + (self.shift & to_host) - self.result_taken)
        with m.If(self.shift):
            m.d.sync += row.eq(Mux(row_ends, 0, row + 1))
            with m.If(row_ends):
                m.d.sync += [
                    self.param_addr.eq(self.param_addr + 1),
                    dst.eq(dst + 1),
                    word.eq(Mux(word == words - 1, 0, word + 1)),
                ]
            with m.If(tile_ends):
                m.d.sync += [loaded.eq(0), claimed.eq(0), tiles_left.eq(tiles_left - 1)]
        with m.If(self.captured):
            m.d.sync += loaded.eq(1)
        with m.If(self.claim):
            m.d.sync += claimed.eq(1)

        # Sums wait for their parameters.
        taken, taken_en = Signal(self.o.shape()), Signal()
        acc = Signal(self.acc.shape())
        layer_ends = tile_ends & (tiles_left == 1)
        last_word = (word == words - 1) & (tiles_left == 1)
        m.d.sync += [taken_en.eq(self.shift), self.o_en.eq(taken_en)]
        with m.If(self.shift):
            m.d.sync += [
                acc.eq(self.head),
                taken.row.eq(row),
                taken.active.eq(active),
                taken.dst.eq(dst),
                taken.word_end.eq(row_ends),
                taken.frame_end.eq(self.finish.last & last_word & (row == images)),
                taken.layer_end.eq(layer_ends),
            ]
        with m.If(taken_en):
            m.d.sync += [
                self.acc.eq(acc),
                self.parameters.eq(self.param_data),
                self.o.eq(taken),
            ]
        return m
