"""Drain: moves finished tiles out of the array, a beat of channels at a time."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia.spec.timing import DRAIN_LATENCY
from celosia_hw.layouts import active_layer, drained, parameter_word, settings, sums, tag
from celosia_hw.util.delay import delay, delay_valid
from celosia_hw.util.loop_counter import LoopCounter
from celosia_hw.util.read_port import ReadPort

from .layer_queue import LayerQueue

__all__ = ["Drain"]


class Drain(wiring.Component):
    """Shifts a captured tile out of the array and joins each beat with its parameters.

    A tile leaves as ``cols / lanes`` words, for each word every row in turn, each row in
    `Config.beats` beats. `o` is valid `latency` cycles after the drain decided on a beat; `head` is
    taken one cycle after the decision, when ``shift`` was 1. One beat per cycle. The last beat of a
    word for the host reserves a slot of the result queue; a word for the host waits for ``credit``.
    Layers are taken in order through `i` (one may wait); the next one's beats start after
    ``layer_done`` of the one before, so that `settings` are held for everything behind the drain.

    With multicycle requantizers there is one beat per `Config.requantizer_cycles`; ``shift`` is 1
    a cycle before `o` is valid, and `head` is taken in the cycle in which it is. Then the tag is
    held until the next decision, the parameters for `Config.requantizer_cycles` cycles, the sums
    for that one cycle.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : `celosia.spec.timing.DRAIN_LATENCY`.

    Members
    -------
    i : In(stream of `active_layer`).
    claim : In(1), a tile has been finished by the feeder and will be captured; allowed only while
        ``free`` is 1.
    free : Out(1).
    capturing : In(1), the tile is captured in the next cycle; its first beat may be decided then.
    head : In(`sums`).
    shift : Out(1).
    params : Out(`ReadPort` of one `parameter_word`).
    o : Out(stream of `drained`, always ready).
    settings : Out(`settings`), of the open layer.
    layer_done : In(1), the beat with ``layer_end`` has arrived at the memories.
    credit : In(1), a word for the host may be decided on.
    reserve : Out(1), a slot of the result queue is reserved, a cycle after the decision.
    stalled : Out(1), waiting for ``credit`` in this cycle.
    """

    latency = DRAIN_LATENCY

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "claim": In(1),
                "free": Out(1),
                "capturing": In(1),
                "head": In(sums(config)),
                "shift": Out(1),
                "params": Out(ReadPort(config.param_depth, parameter_word(config))),
                "o": Out(stream.Signature(drained(config), always_ready=True)),
                "settings": Out(settings()),
                "layer_done": In(1),
                "credit": In(1),
                "reserve": Out(1),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.layers = layers = LayerQueue(config)
        connect(m, flipped(self.i), layers.i)
        layer, opened = layers.layer, layers.opened
        m.d.comb += [layers.done.eq(self.layer_done), self.settings.eq(layer.settings)]

        go = Signal()
        # What is shifted out: beat of row of word of tile, beats fastest.
        beat = LoopCounter(config.beats, name="beat")
        row = LoopCounter(config.rows, name="row")
        word = LoopCounter(config.words_per_tile, name="word")
        word_ends = beat.ends & row.ends
        tile_ends = Signal()
        m.d.comb += tile_ends.eq(word_ends & word.ends)
        with m.If(go):
            m.d.sync += beat.step()
            with m.If(beat.ends):
                m.d.sync += row.step()
            with m.If(word_ends):
                m.d.sync += word.step()

        pending, last_tile = self._tiles(m, go & tile_ends, opened, layer.tiles)
        active, to_host = self._rows(m, go & beat.ends, opened, row, layer)
        free = self._parameters(m, go, opened, layer.params, beat.ends, word_ends)
        wanted = pending & free
        m.d.comb += [
            go.eq(wanted & (~to_host | self.credit)),
            self.stalled.eq(wanted & ~go),
        ]
        m.d.sync += self.reserve.eq(go & to_host & beat.ends)

        # The word that the beat is part of.
        dst = Signal.like(layer.dst)
        with m.If(go & word_ends):
            m.d.sync += dst.eq(dst + 1)
        with m.If(opened):
            m.d.sync += dst.eq(layer.dst)
        of_beat = Signal(tag(config))
        m.d.comb += [
            of_beat.whole.eq(beat.ends),
            of_beat.row.eq(row.value),
            of_beat.active.eq(active),
            of_beat.dst.eq(dst),
            of_beat.word_end.eq(word_ends),
            of_beat.frame_end.eq(
                layer.settings.last
                & beat.ends
                & word.ends
                & last_tile
                & (row.value == layer.images)
            ),
            of_beat.layer_end.eq(tile_ends & last_tile),
        ]
        self._join(m, go, of_beat)
        return m

    def _tiles(self, m, tile_done, opened, tiles) -> tuple[Signal, Value]:
        """Returns (1 while beats of a tile of the open layer are left, 1 in its last tile)."""
        captured = Signal()
        claimed = Signal()
        tiles_left = Signal.like(tiles)
        layer_left = Signal()  # tiles of the open layer are left
        pending = Signal()
        last_tile = tiles_left == 1
        m.d.comb += self.free.eq(~claimed)
        m.d.sync += pending.eq(((captured & ~tile_done) | self.capturing) & (layer_left | opened))
        with m.If(self.capturing):
            m.d.sync += captured.eq(1)
        with m.If(self.claim):
            m.d.sync += claimed.eq(1)
        with m.If(tile_done):
            m.d.sync += [
                captured.eq(0),
                claimed.eq(0),
                tiles_left.eq(tiles_left - 1),
                layer_left.eq(~last_tile),
            ]
        with m.If(opened):
            m.d.sync += [tiles_left.eq(tiles), layer_left.eq(1)]
        return pending, last_tile

    def _rows(self, m, row_done, opened, row: LoopCounter, layer) -> tuple[Signal, Signal]:
        """Returns (1 while the row holds an image, 1 while it does and the layer emits)."""
        active = Signal(init=1)
        to_host = Signal()
        next_active = row.ends | (active & (row.value != layer.images))
        with m.If(row_done):
            m.d.sync += [
                active.eq(next_active),
                to_host.eq(layer.settings.emit & next_active),
            ]
        with m.If(opened):
            m.d.sync += to_host.eq(layer.settings.emit)
        return active, to_host

    def _parameters(self, m, go, opened, first, beat_ends, word_ends) -> Value:
        """Drive the address of the beat's parameters; returns 1 when a beat may be decided on."""
        beats = self.config.beats
        multicycle = self.config.requantizer_cycles > 1
        addr = Signal.like(first, name="next_addr") if multicycle else self.params.addr
        word_addr = Signal.like(first)  # of the word's first beat; every row starts there
        with m.If(go):
            m.d.sync += addr.eq(Mux(beat_ends, word_addr, addr + 1))
            with m.If(word_ends):
                m.d.sync += [word_addr.eq(word_addr + beats), addr.eq(word_addr + beats)]
        with m.If(opened):
            m.d.sync += [word_addr.eq(first), addr.eq(first)]
        if not multicycle:
            return Const(1)

        # Cycles until the requantizers take the next beat; its parameters are read at the end.
        rest = Signal(range(self.config.requantizer_cycles))
        free = Signal(init=1)
        free_next = Signal()
        m.d.comb += free_next.eq(rest <= 1)
        with m.If(go):
            m.d.sync += [rest.eq(self.config.requantizer_cycles - 1), free.eq(0)]
        with m.Elif(~free):
            m.d.sync += [rest.eq(rest - 1), free.eq(free_next)]
        with m.If(opened):
            m.d.sync += self.params.addr.eq(first)
        with m.Elif(free_next):
            m.d.sync += self.params.addr.eq(addr)
        return free

    def _join(self, m, go, of_beat) -> None:
        """Register the beat's tag, and delay it and the sums as the parameters are."""
        payload = self.o.payload
        m.d.comb += payload.parameters.eq(self.params.data)
        taken, taken_valid = delay_valid(m, of_beat, go, 1, name="taken")
        rest = DRAIN_LATENCY - 1
        if self.config.requantizer_cycles > 1:
            # Tag and sums are held: only their valid is delayed.
            shift = delay(m, taken_valid, rest - 1, name="taken_valid", reset=True)
            valid = delay(m, shift, 1, name="shift", reset=True)
            m.d.comb += [payload.tag.eq(taken), payload.acc.eq(self.head)]
        else:
            shift = go
            joined = Signal(data.StructLayout({"tag": tag(self.config), "acc": sums(self.config)}))
            m.d.comb += [joined.tag.eq(taken), joined.acc.eq(self.head)]
            joined, valid = delay_valid(m, joined, taken_valid, rest, name="joined")
            m.d.comb += [payload.tag.eq(joined.tag), payload.acc.eq(joined.acc)]
        m.d.comb += [self.shift.eq(shift), self.o.valid.eq(valid)]
