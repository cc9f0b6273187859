"""Drain: moves finished tiles out of the array, a beat of channels at a time."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.timing import DRAIN_LATENCY, RESULTS_DEPTH
from celosia_hw.layouts import active_layer, element, finish, parameter_word, sums

__all__ = ["Drain"]


def _pending(config: Config) -> data.StructLayout:
    """What the drain keeps of a layer."""
    return data.StructLayout(
        {
            "finish": finish(),
            "tiles": 16,
            "dst": range(config.act_depth),
            "params": range(config.param_depth),
            "images": range(config.rows),
        }
    )


class Drain(wiring.Component):
    """Shifts a captured tile out of the array and pairs each beat with its parameters.

    A tile leaves as ``cols / lanes`` words, for each word every row in turn, each row in
    `Config.beats` beats. `o`, sums and parameters stand `celosia.spec.timing.DRAIN_LATENCY` cycles
    after the drain decided on a beat; `head` is taken one cycle after that, when ``shift`` was 1.
    One beat per cycle, except that nothing goes to the host when, two cycles ago, all but two of
    `RESULTS_DEPTH` result slots were taken or more. Layers come in order through `i` (one may
    wait); the next one's beats start after `layer_done` of the one before, so that `finish` is
    steady for everything behind the drain.

    With slow requantizers, one beat per `Config.requantizer_cycles`; ``shift`` comes a cycle before
    the sums are taken, the parameters stand until the next beat's and `o` from then to as many
    cycles after the decision.

    Members
    -------
    i : In(stream of `active_layer`)
    claim : In(1), a tile has been finished by the feeder and will be captured; allowed only while
        ``free`` : Out(1). capturing : In(1), it is in the next cycle; the drain may decide on its
        first beat then.
    head : In(`sums`); shift : Out(1)
    param_addr : Out, param_data : In, `celosia.spec.timing.READ_LATENCY` cycles later.
    reading : In(1), put ``read_addr`` : In(24) into `param_addr` instead, one cycle later, or two
        with slow requantizers; only while no layer is open.
    o : Out(`element`), o_en : Out(1), acc : Out, parameters : Out, finish : Out(`finish`)
    layer_done : In(1), the element with ``layer_end`` has arrived at the memories.
    result_taken : In(1), a result slot has become free.
    stalled : Out(1), waiting for a result slot in this cycle.
    """

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
                "param_addr": Out(range(config.param_depth)),
                "reading": In(1),
                "read_addr": In(24),
                "param_data": In(parameter_word(config)),
                "o": Out(element(config)),
                "o_en": Out(1),
                "acc": Out(sums(config)),
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
        opened, layer = self._layers(m)

        # What is being shifted out: beat of row of word of tile, beats fastest.
        loaded, claimed = Signal(), Signal()
        more = Signal()  # tiles of the open layer are left
        pending = Signal()  # both: beats are left
        tiles_left = Signal.like(layer.tiles)
        beat, row = Signal(range(config.beats)), Signal(range(config.rows))
        word = Signal(range(config.words_per_tile))
        dst = Signal.like(layer.dst)
        word_params = Signal.like(layer.params)  # of the word's first beat
        active = Signal(init=1)  # the row holds an image
        to_host = Signal()  # the row holds an image and the layer emits
        beat_ends = self._ends(beat, config.beats)
        row_ends = self._ends(row, config.rows)
        last_word = self._ends(word, config.words_per_tile)
        word_ends, tile_ends = Signal(), Signal()
        last_tile = tiles_left == 1
        m.d.comb += [word_ends.eq(beat_ends & row_ends), tile_ends.eq(word_ends & last_word)]

        results = Signal(range(RESULTS_DEPTH + 1))  # slots taken, by waiting or coming results
        room = Signal()
        wanted, go = Signal(), Signal()
        free, param_addr = self._pace(m, go, opened, layer.params)
        m.d.comb += [
            wanted.eq(pending & free),
            go.eq(wanted & (~to_host | room)),
            self.stalled.eq(wanted & ~go),
            self.free.eq(~claimed),
        ]
        takes = Signal()
        m.d.sync += [
            pending.eq(((loaded & ~(go & tile_ends)) | self.capturing) & (more | opened)),
            takes.eq(go & to_host & beat_ends),
            results.eq(results + takes - self.result_taken),
            # Late by two cycles, in each of which one more may have been taken.
            room.eq(results <= RESULTS_DEPTH - 3),
        ]
        with m.If(self.capturing):
            m.d.sync += loaded.eq(1)
        with m.If(self.claim):
            m.d.sync += claimed.eq(1)
        with m.If(go):
            m.d.sync += [
                self._next(beat, beat_ends, config.beats),
                param_addr.eq(Mux(beat_ends, word_params, param_addr + 1)),
            ]
            with m.If(beat_ends):
                next_active = row_ends | (active & (row != layer.images))
                m.d.sync += [
                    self._next(row, row_ends, config.rows),
                    active.eq(next_active),
                    to_host.eq(self.finish.emit & next_active),
                ]
            with m.If(word_ends):
                m.d.sync += [
                    self._next(word, last_word, config.words_per_tile),
                    dst.eq(dst + 1),
                    word_params.eq(word_params + config.beats),
                    param_addr.eq(word_params + config.beats),
                ]
            with m.If(tile_ends):
                m.d.sync += [
                    loaded.eq(0),
                    claimed.eq(0),
                    tiles_left.eq(tiles_left - 1),
                    more.eq(~last_tile),
                ]
        with m.If(self.reading):
            m.d.sync += param_addr.eq(self.read_addr)
        with m.If(opened):
            m.d.sync += [
                more.eq(1),
                to_host.eq(layer.finish.emit),
                tiles_left.eq(layer.tiles),
                dst.eq(layer.dst),
                word_params.eq(layer.params),
                param_addr.eq(layer.params),
            ]

        # The place of a beat, its sums, and its parameters out of their memory.
        taken, taken_en = Signal(self.o.shape(), reset_less=True), Signal()
        m.d.sync += taken_en.eq(go)
        with m.If(go):
            m.d.sync += [
                taken.whole.eq(beat_ends),
                taken.row.eq(row),
                taken.active.eq(active),
                taken.dst.eq(dst),
                taken.word_end.eq(word_ends),
                taken.frame_end.eq(
                    self.finish.last & beat_ends & last_word & last_tile & (row == layer.images)
                ),
                taken.layer_end.eq(tile_ends & last_tile),
            ]
        # As late as the parameters; what stands still needs no registers for it.
        stands = config.requantizer_cycles > 1
        en, place, acc = taken_en, taken, self.head
        for stage in range(DRAIN_LATENCY - 1):
            before, en = en, Signal(name=f"en_{stage}")
            m.d.sync += en.eq(before)
            if stands:
                continue
            later = [
                Signal(value.shape(), name=f"{name}_{stage}", reset_less=True)
                for name, value in (("place", place), ("acc", acc))
            ]
            with m.If(before):
                m.d.sync += [later[0].eq(place), later[1].eq(acc)]
            place, acc = later
        m.d.comb += [
            self.shift.eq(before if stands else go),
            self.o_en.eq(en),
            self.o.eq(place),
            self.acc.eq(acc),
            self.parameters.eq(self.param_data),
        ]
        return m

    @staticmethod
    def _ends(counter, count):
        """1 while ``counter`` stands at the last of ``count`` values: a register, see `_next`."""
        return Signal(init=count == 1, name=f"{counter.name}_ends")

    @staticmethod
    def _next(counter, ends, count):
        """The next of ``count`` values, and whether it is the last one."""
        return [
            counter.eq(Mux(ends, 0, counter + 1)),
            ends.eq(Mux(ends, count == 1, counter == count - 2)),
        ]

    def _pace(self, m, go, opened, first):
        """Returns (1 when a beat may go, the address of the parameters that come next).

        ``first`` : that address when a layer has ``opened``.
        """
        if self.config.requantizer_cycles == 1:
            return Const(1), self.param_addr
        rest = Signal(range(self.config.requantizer_cycles))
        free, soon = Signal(init=1), Signal()
        param_addr = Signal.like(self.param_addr, name="next_param_addr")
        m.d.comb += soon.eq(rest <= 1)
        with m.If(go):
            m.d.sync += [rest.eq(self.config.requantizer_cycles - 1), free.eq(0)]
        with m.Elif(~free):
            m.d.sync += [rest.eq(rest - 1), free.eq(soon)]
        # The parameters of a beat stand as long as it lasts.
        with m.If(opened):
            m.d.sync += self.param_addr.eq(first)
        with m.Elif(soon):
            m.d.sync += self.param_addr.eq(param_addr)
        return free, param_addr

    def _layers(self, m):
        """Returns (1 for the cycle before a layer may start, the layer, steady until it is done).

        With that cycle `finish` is the layer's as well.
        """
        new = Signal(_pending(self.config))
        descriptor = self.i.payload.descriptor
        m.d.comb += [
            *(new.finish[name].eq(descriptor[name]) for name, _ in finish()),
            *(new[name].eq(descriptor[name]) for name in ("tiles", "dst", "params")),
            new.images.eq(self.i.payload.images),
        ]
        layer, open_, opened = Signal(new.shape()), Signal(), Signal()
        following, waits = Signal(new.shape()), Signal()
        m.d.comb += [self.i.ready.eq(~waits | ~open_), self.finish.eq(layer.finish)]
        m.d.sync += opened.eq(waits & ~open_)
        with m.If(self.layer_done):
            m.d.sync += open_.eq(0)
        with m.If(waits & ~open_):
            m.d.sync += [open_.eq(1), layer.eq(following), waits.eq(0)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [following.eq(new), waits.eq(1)]
        return opened, layer
