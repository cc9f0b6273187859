"""Proofs of the feeder's walk: no address leaves the tensor of a legal descriptor."""

from dataclasses import replace

from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume

from celosia.spec import Op
from celosia.spec.descriptor import COORDINATE_BITS
from celosia_hw.feeder.addressing.dense import DenseAddresses
from celosia_hw.feeder.addressing.window import WindowAddresses
from celosia_hw.layouts import part_of

from .block import Block, free
from .contracts import Past, stream_rules
from .link import CONFIG
from .proof import Proof
from .streams import MAPS

__all__ = ["PROOFS"]

#: Words of activations and of weights in the small engine.
_WORDS, _WEIGHTS = 16, 16
DENSE = replace(CONFIG, act_depth=_WORDS, weight_depth=_WEIGHTS)


def _walk(m: Module, dut, mistake):
    """One layer, any, begun once; the walk's steps are taken at any pace."""
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut, "start", "layer")
    past = Past(m)
    stream_rules(m, past, dut.o)
    begun = Signal()
    m.d.sync += begun.eq(1)
    layer = Value.cast(dut.layer)
    m.d.comb += [dut.start.eq(~begun), layer.eq(AnyConst(len(layer)))]
    return block, begun


def _dense(mistake):
    """A tensor of ``src_words`` words in the memory, tiles of weights that fit theirs.

    By induction over the walk: the word's number is what has been counted down, and the last tile's
    weights are those that lie ``tiles - 1`` strides on.
    """
    m, dut = Module(), DenseAddresses(DENSE)
    block, begun = _walk(m, dut, mistake)
    dense, tiles = part_of(dut.layer.descriptor, Op.DENSE), dut.layer.descriptor.tiles
    step = dut.o.payload
    first = Signal(17)  # word of the tensor
    end = Signal(20)  # of the weights
    lanes = DENSE.lanes
    m.d.comb += [
        first.eq(dense.src + Mux(dense.from_input, dut.layer.base, 0)),
        Assume((dense.src_words != 0) & (dense.src_words <= _WORDS)),
        Assume(first + dense.src_words <= _WORDS),
        Assume((tiles != 0) & (tiles <= _WEIGHTS)),
        Assume((dense.weight_stride != 0) & (dense.weight_stride <= _WEIGHTS)),
        Assume((dense.tail != 0) & (dense.tail <= lanes)),
        # A tile's weights: a word for each of K bytes, within its stride.
        Assume((dense.src_words - 1) * lanes + dense.tail <= dense.weight_stride),
        end.eq(dense.weights + (tiles[:5] * dense.weight_stride[:5])[:9]),
        Assume(dense.weights <= _WEIGHTS),
        Assume(end <= _WEIGHTS),
    ]
    bytes_ = sum(step.bytes[n] for n in range(lanes))
    left, tiles_left = block["words_left"], block["tiles_left"]
    tile_end = Signal(20)
    m.d.comb += tile_end.eq(block["tile_weights"] + dense.weight_stride)
    with m.If(dut.o.valid):
        m.d.comb += [
            Assert((step.src >= first) & (step.src < first + dense.src_words)),
            Assert((step.weights >= dense.weights) & (step.weights + bytes_ <= end)),
            # The invariants that say why.
            Assert((left != 0) & (left <= dense.src_words)),
            Assert(step.src + left == first + dense.src_words),
            Assert(step.weights == block["tile_weights"] + (dense.src_words - left) * lanes),
            Assert(step.last == (left == 1)),
            Assert(block["one_word"] == (dense.src_words == 1)),
            Assert(block["last_tile"] == (tiles_left == 1)),
            Assert((tiles_left != 0) & (tiles_left <= tiles)),
            Assert(block["tile_weights"] + (tiles_left[:5] * dense.weight_stride[:5])[:9] == end),
            Assert(begun),
            Assert(block["src_words"] == dense.src_words),
            Assert(block["first_src"] == first),
            Assert(block["weight_stride"] == dense.weight_stride),
            Assert(block["tail_bytes"] == ((Const(1, lanes + 1) << dense.tail) - 1)[:lanes]),
            Assert(step.bytes == Mux(step.last, block["tail_bytes"], (1 << lanes) - 1)),
        ]
    return m


def _window(mistake):
    """A map of ``height * width`` pixels of one word from address ``start`` on, one row, without
    padding: taps that a window has inside of the map are read inside of it.

    All windows of a kernel of up to 2 x 2 taps at any pace, for as many cycles as ``depth``.
    """
    m, dut = Module(), WindowAddresses(MAPS)
    block, begun = _walk(m, dut, mistake)
    window, descriptor = part_of(dut.layer.descriptor, Op.CONVOLUTION), dut.layer.descriptor
    step, slots = dut.o.payload, MAPS.slots
    line = Signal(16)
    m.d.comb += [
        line.eq(window.width * slots),
        Assume((window.width != 0) & (window.width <= 4)),
        Assume((window.height != 0) & (window.height <= 4)),
        Assume((window.from_input == 0) & (descriptor.op == Op.CONVOLUTION)),
        Assume(window.start == 0),
        Assume((window.tap_words == 1) & (window.tail != 0) & (window.tail <= MAPS.lanes)),
        Assume((window.kernel_y != 0) & (window.kernel_y <= 2)),
        Assume((window.kernel_x != 0) & (window.kernel_x <= 2)),
        Assume(window.kernel_rest == window.kernel_x),
        Assume((window.kernel_y <= window.height) & (window.kernel_x <= window.width)),
        Assume((window.corner_y == 0) & (window.corner_x == 0)),
        Assume((window.line_y == 1) & (window.tap_x == 1)),
        Assume((window.line_bytes == line) & (window.tap_bytes == slots)),
        Assume((descriptor.tiles != 0) & (descriptor.tiles <= 2)),
        # From left to right, and on to the next line when the window does not fit.
        Assume((window.pixel_x == 1) & (window.pixel_bytes == slots)),
        Assume(window.x_last == window.width - window.kernel_x),
        Assume((window.wrap_y == 1) & (window.wrap_x == (-(window.x_last + 1))[:COORDINATE_BITS])),
        Assume(window.wrap_bytes == (line - (window.x_last + 1) * slots)[:16]),
        Assume(window.steps != 0),
        Assume(window.steps <= (window.x_last + 1)[:3] * (window.height - window.kernel_y + 1)[:3]),
    ]
    with m.If(dut.o.valid):
        m.d.comb += [
            Assert(step.src < (window.width[:3] * window.height[:3])),
            Assert(~step.drop),
        ]
    return m


PROOFS = [
    Proof(
        name="addresses-dense",
        claim="every word and weight read is one of the layer's, with 16 words of each in memory",
        blocks="feeder.DenseAddresses",
        build=_dense,
        depth=2,
        wide=True,
        mistakes=("first_src", "tile_weights"),
    ),
    Proof(
        name="addresses-window",
        claim="every word read is one of the map, up to 4 x 4 pixels and 2 x 2 taps",
        blocks="feeder.WindowAddresses",
        build=_window,
        depth=24,
        bounded=True,
        wide=True,
        mistakes=("lines_left",),
    ),
]
