"""The walk of windows over a map: for each pixel and tile every word of every tap."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config, Op
from celosia.spec.maps import NEED_BITS
from celosia_hw.layouts import active_layer, origin, part_of, step
from celosia_hw.util.countdown import Countdown, LineCountdown

from .advance import Advance

__all__ = ["WindowAddresses"]

#: Where words of results are no longer counted.
_MOST = (1 << NEED_BITS) - 1


class WindowAddresses(wiring.Component):
    """The steps of a layer on a map: of every pixel i, tile t, kernel line ky, tap kx of the line
    and word j of the tap, the last one innermost. Line 0 has ``kernel_x`` taps, later lines have
    ``kernel_rest``.

    ======== ===================================================================================
    field    value
    ======== ===================================================================================
    offset   ``ky * line_bytes + kx * tap_bytes + j * slots``, of DEPTHWISE ``+ t * slots``
    dy, dx   ``corner_y + ky * line_y`` and ``corner_x + kx * tap_x``, modulo 512
    weights  ``weights + t * weight_stride`` and a word for each byte before in the tile, of
             DEPTHWISE for each tap
    bytes    all, or the first ``tail`` in the last word of a tap
    need     ``wait + i * wait_step + j + 1``, of DEPTHWISE ``+ t``, at most 2**17 - 1; 0 if the
             layer does not wait
    src      the word at ``offset`` from row 0's origin
    skip     1: bytes may be skipped, and the tap is inside the map in row 0
    drop     1: bytes may be skipped, the tap is outside in row 0, and 0 is read there
    ======== ===================================================================================

    ``last`` ends a tile, ``step_end`` the last tile of a pixel. No byte of DEPTHWISE is skipped.
    One step per cycle, from pixel to pixel too, the first one two cycles after ``start``; `o` is
    registered. ``start`` is allowed only while not ``busy``; ``layer`` is copied.

    Parameters
    ----------
    config : the engine's configuration, with convolution.

    Members
    -------
    start : In(1).
    layer : In(`active_layer`), in the cycle of ``start``.
    busy : Out(1), steps are still to be made, or one is offered.
    o : Out(stream of `step`).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "layer": In(active_layer(config)),
                "busy": Out(1),
                "o": Out(stream.Signature(step(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        descriptor, window = self.layer.descriptor, self._window
        # From the innermost loop outwards.
        counts = {
            "words": (window.tap_words,),
            "taps": (window.kernel_x, window.kernel_rest),
            "lines": (window.kernel_y,),
            "tiles": (descriptor.tiles,),
            "pixels": (window.steps,),
        }
        loops = {name: Countdown(count[0].shape(), name=name) for name, count in counts.items()}
        loops["taps"] = LineCountdown(window.kernel_x.shape(), loops["lines"], name="taps")
        walking = Signal()
        # The step that is made is offered in the next cycle.
        advance = Signal()
        # What ends with it: the tap, the kernel's line, the tile, the pixel, the walk.
        ends = [Signal(name=f"{name}_end") for name in counts]
        m.d.comb += [
            advance.eq(walking & (~self.o.valid | self.o.ready)),
            self.busy.eq(walking | self.o.valid),
        ]
        within = Const(1, 1)
        for loop, end in zip(loops.values(), ends, strict=True):
            with m.If(advance & within):
                m.d.sync += loop.step()
            m.d.comb += end.eq(within & loop.ends)
            within = end
        held = Signal(window.shape())
        depthwise = Signal()
        with m.If(advance & within):
            m.d.sync += walking.eq(0)
        with m.If(self.start):
            m.d.sync += [walking.eq(1), held.eq(window), depthwise.eq(self._depthwise)]
            m.d.sync += [loop.start(*counts[name]) for name, loop in loops.items()]
        offset = self._offset(m, advance, ends, held, depthwise)
        dy, dx = self._place(m, advance, ends, held)
        weights = self._weights(m, advance, ends, held)
        need = self._need(m, advance, ends, held, depthwise)
        self._origin(m, advance, ends, held, offset, dy, dx)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(advance):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.payload.offset.eq(offset),
                self.o.payload.dy.eq(dy),
                self.o.payload.dx.eq(dx),
                self.o.payload.weights.eq(weights),
                self.o.payload.need.eq(need),
                self.o.payload.last.eq(ends[2]),
                self.o.payload.step_end.eq(ends[3]),
            ]
        return m

    @property
    def _window(self) -> data.View:
        return part_of(self.layer.descriptor, Op.CONVOLUTION)

    @property
    def _depthwise(self) -> Value:
        return self.layer.descriptor.op == Op.DEPTHWISE

    def _offset(self, m, advance, ends, held, depthwise) -> Signal:
        """From the word, the tap, the line or the tile to the next. All sums are ready when it is
        known which loops end."""
        tap_end, line_end, tile_end, pixel_end, _ = ends
        word = Signal(held.line_bytes.shape(), name="word_offset")
        tap = Signal.like(word, name="tap_offset")
        line = Signal.like(word, name="line_offset")
        tile = Signal.like(word, name="tile_offset")
        slots = self.config.slots
        following = Mux(tap_end, tap + held.tap_bytes, word + slots)
        following = Mux(line_end, line + held.line_bytes, following)
        following = Mux(tile_end, tile + Mux(depthwise, slots, 0), following)
        following = Mux(pixel_end, 0, following)
        with m.If(advance):
            m.d.sync += word.eq(following)
        for end, kept in ((tap_end, tap), (line_end, line), (tile_end, tile)):
            with m.If(advance & end):
                m.d.sync += kept.eq(following)
        with m.If(self.start):
            m.d.sync += [each.eq(0) for each in (word, tap, line, tile)]
        return word

    def _place(self, m, advance, ends, held) -> tuple[Signal, Signal]:
        """y and x of the tap from the origin."""
        tap_end, line_end, tile_end, _, _ = ends
        dy = Signal.like(held.corner_y, name="dy")
        dx = Signal.like(held.corner_x, name="dx")
        with m.If(advance & tap_end):
            m.d.sync += dx.eq(Mux(line_end, held.corner_x, dx + held.tap_x))
        with m.If(advance & line_end):
            m.d.sync += dy.eq(Mux(tile_end, held.corner_y, dy + held.line_y))
        with m.If(self.start):
            m.d.sync += [dx.eq(self._window.corner_x), dy.eq(self._window.corner_y)]
        return dy, dx

    def _weights(self, m, advance, ends, held) -> Signal:
        tap_end, _, tile_end, pixel_end, _ = ends
        word = Signal(held.weights.shape(), name="word_weights")
        tile = Signal.like(word, name="tile_weights")
        following = Mux(tap_end, word + held.tail, word + self.config.lanes)
        following = Mux(tile_end, tile + held.weight_stride, following)
        following = Mux(pixel_end, held.weights, following)
        with m.If(advance):
            m.d.sync += word.eq(following)
        with m.If(advance & tile_end):
            m.d.sync += tile.eq(following)
        with m.If(self.start):
            m.d.sync += [word.eq(self._window.weights), tile.eq(self._window.weights)]
        return word

    def _need(self, m, advance, ends, held, depthwise) -> Signal:
        """Words of the layer before. All sums are ready when it is known which loops end."""
        tap_end, _, tile_end, pixel_end, _ = ends
        waits = Signal()
        word = Signal(held.wait.shape(), name="word_need")
        tile = Signal.like(word, name="tile_need")
        pixel = Signal.like(word, name="pixel_need")  # of the next one
        next_tile = Signal.like(word, name="next_tile_need")
        next_word = Signal.like(word, name="next_word_need")
        m.d.comb += [
            next_tile.eq(Mux(waits, _saturated(tile + depthwise), 0)),
            next_word.eq(Mux(waits, _saturated(word + 1), 0)),
        ]
        with m.If(advance):
            m.d.sync += word.eq(next_word)
            with m.If(tap_end):
                m.d.sync += word.eq(tile)
            with m.If(tile_end):
                m.d.sync += [word.eq(next_tile), tile.eq(next_tile)]
            with m.If(pixel_end):
                m.d.sync += [
                    word.eq(pixel),
                    tile.eq(pixel),
                    pixel.eq(Mux(waits, _saturated(pixel + held.wait_step), 0)),
                ]
        window = self._window
        begin = Mux(self.layer.descriptor.waits, _saturated(window.wait + 1), 0)
        second = Mux(self.layer.descriptor.waits, _saturated(window.wait + 1 + window.wait_step), 0)
        with m.If(self.start):
            m.d.sync += [waits.eq(self.layer.descriptor.waits), word.eq(begin), tile.eq(begin)]
            m.d.sync += pixel.eq(second)
        return word

    def _origin(self, m, advance, ends, held, offset, dy, dx) -> None:
        """Follow row 0's origin, and say what masks are read with it."""
        window, config = self._window, self.config
        first = Signal(origin())
        pixel = Advance(name="pixel")
        base = Mux(window.from_input, self.layer.base << config.byte_bits, 0)
        skip = Signal()
        reads_zero = Signal()
        tail_bytes = Signal(config.lanes)
        with m.If(advance & ends[3]):
            m.d.sync += first.eq(pixel.of(first))
        with m.If(self.start):
            m.d.sync += [
                *pixel.load(window, C(0), window.pixel_x, window.pixel_bytes),
                first.y.eq(0),
                first.x.eq(0),
                first.address.eq(window.start + base),
                skip.eq(self.layer.skip & window.skip & ~self._depthwise),
                reads_zero.eq(window.outside == 0),
                tail_bytes.eq((Const(1, config.lanes + 1) << window.tail) - 1),
            ]
        y, x = (first.y + dy)[: len(dy)], (first.x + dx)[: len(dx)]
        outside = (y >= held.height) | (x >= held.width)
        address = (first.address + offset)[: len(offset)]
        all_bytes = Const((1 << config.lanes) - 1, config.lanes)
        with m.If(advance):
            m.d.sync += [
                self.o.payload.src.eq(address >> config.byte_bits),
                self.o.payload.bytes.eq(Mux(ends[0], tail_bytes, all_bytes)),
                self.o.payload.skip.eq(skip & ~outside),
                self.o.payload.drop.eq(skip & outside & reads_zero),
            ]


def _saturated(words: Value) -> Value:
    """``words``, at most `_MOST`."""
    return Mux(words > _MOST, _MOST, words)
