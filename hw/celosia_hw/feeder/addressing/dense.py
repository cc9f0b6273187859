"""The walk of a dense layer: every input word, once for each tile of output channels."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config, Op
from celosia_hw.layouts import active_layer, part_of, step

__all__ = ["DenseAddresses"]


class DenseAddresses(wiring.Component):
    """For tile t and input word j the step ``{src + j, weights + t * weight_stride + j * lanes}``.

    ``src`` is the descriptor's, plus the run's ``base`` when ``from_input``. The last word of a
    tile has ``last`` and only its first ``tail`` bytes in ``bytes``. In a layer that ``waits`` word
    j is result word j of the layer before, and ``need`` is j + 1; else it is 0. One step per cycle,
    the first one in the cycle after ``start``; `o` is registered. ``start`` is allowed only while
    `o` is not valid.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    start : In(1).
    layer : In(`active_layer`), in the cycle of ``start``.
    o : Out(stream of `step`).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "layer": In(active_layer(config)),
                "o": Out(stream.Signature(step(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.config.lanes
        descriptor = self.layer.descriptor
        dense = part_of(descriptor, Op.DENSE)
        here, busy = self.o.payload, self.o.valid
        first_src = Signal.like(here.src, name="first_src")
        tile_weights = Signal.like(here.weights, name="tile_weights")
        weight_stride = Signal.like(dense.weight_stride, name="weight_stride")
        waits = Signal()
        # Words and tiles are counted down; that a count is 1 is known a cycle ahead.
        src_words = Signal.like(dense.src_words, name="src_words")
        words_left = Signal.like(dense.src_words, name="words_left")
        tiles_left = Signal.like(descriptor.tiles, name="tiles_left")
        last_tile = Signal()
        one_word = Signal()
        tail_bytes = Signal(lanes)
        all_bytes = Const((1 << lanes) - 1, lanes)
        with m.If(busy & self.o.ready):
            m.d.sync += [
                here.src.eq(here.src + 1),
                here.weights.eq(here.weights + lanes),
                here.need.eq(here.need + waits),
                here.last.eq(words_left == 2),
                here.bytes.eq(Mux(words_left == 2, tail_bytes, all_bytes)),
                words_left.eq(words_left - 1),
            ]
            with m.If(here.last):
                m.d.sync += [
                    here.src.eq(first_src),
                    here.need.eq(waits),
                    here.weights.eq(tile_weights + weight_stride),
                    here.last.eq(one_word),
                    here.bytes.eq(Mux(one_word, tail_bytes, all_bytes)),
                    tile_weights.eq(tile_weights + weight_stride),
                    words_left.eq(src_words),
                    tiles_left.eq(tiles_left - 1),
                    last_tile.eq(tiles_left == 2),
                    busy.eq(~last_tile),
                ]
        src = dense.src + Mux(dense.from_input, self.layer.base, 0)
        first_bytes = ((Const(1, lanes + 1) << dense.tail) - 1)[:lanes]
        with m.If(self.start):
            m.d.sync += [
                busy.eq(1),
                here.src.eq(src),
                first_src.eq(src),
                here.weights.eq(dense.weights),
                tile_weights.eq(dense.weights),
                here.last.eq(dense.src_words == 1),
                here.bytes.eq(Mux(dense.src_words == 1, first_bytes, all_bytes)),
                here.skip.eq(self.layer.skip),
                here.need.eq(descriptor.waits),
                waits.eq(descriptor.waits),
                weight_stride.eq(dense.weight_stride),
                src_words.eq(dense.src_words),
                words_left.eq(dense.src_words),
                one_word.eq(dense.src_words == 1),
                tail_bytes.eq(first_bytes),
                tiles_left.eq(descriptor.tiles),
                last_tile.eq(descriptor.tiles == 1),
            ]
        return m
