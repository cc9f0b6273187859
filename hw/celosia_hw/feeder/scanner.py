"""First half of the feeder: which bytes of a layer's input need multiplying."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config, Op
from celosia.spec.timing import READ_LATENCY, SEGMENT_DEPTH
from celosia_hw.cells import cells_of
from celosia_hw.layouts import active_layer, guard, part_of, segment

__all__ = ["Scanner"]


class Scanner(wiring.Component):
    """Walks the input words of every tile of a layer and drops the bytes that add nothing.

    For tile t and input word j it reads the mask of word ``src + j``, whose bit b is 0 when byte b
    is 0 in every row, and hands on ``{mask, src + j, weights + t * weight_stride + j * lanes}``.
    Words whose mask is 0 are dropped. The tile's last word carries ``last``; when that word is
    itself to be dropped it is handed on with mask 0.

    One word per cycle, the first one three cycles after its layer was taken; a segment is valid
    1 + `READ_LATENCY` cycles after its word was scanned. Nothing is scanned when, one cycle ago,
    more than `SEGMENT_DEPTH` - 2 - `READ_LATENCY` segments waited for the walker. A word under
    `guard` is waited for, until one cycle after the guard has gone. A new layer is taken from two
    cycles after the last word of the one before has been scanned.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `active_layer`); the descriptor must stand for one more cycle.
    mask_addr : Out, the mask memory's read port; mask_data : In, `READ_LATENCY` cycles later.
    guard : In(`guard`)
    o : Out(stream of `segment`)
    skipped : Out, bytes that were dropped, 2 + `READ_LATENCY` cycles after their word was scanned.
    stalled : Out(1), waiting for a guarded word in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "mask_addr": Out(range(config.act_depth)),
                "mask_data": In(config.lanes),
                "guard": In(guard(config)),
                "o": Out(stream.Signature(segment(config))),
                "skipped": Out(range(config.lanes + 1)),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, lanes = self.config, self.config.lanes
        word = data.StructLayout(
            {
                "src": range(config.act_depth),
                "weights": range(config.weight_depth),
                "last": 1,
                "bytes": lanes,  # those that count
                "skip": 1,
            }
        )
        begins, base, skip = Signal(), Signal.like(self.i.payload.base), Signal()
        # `coming` is the word of the address generator, `current` the one to be scanned.
        step, advance, room = Signal(), Signal(), Signal()
        coming, busy = self._words(m, word, advance, begins, base, skip)
        current, waiting, guarded = Signal(word), Signal(), Signal()
        m.d.comb += [
            step.eq(waiting & ~guarded & room),
            advance.eq(~waiting | (~guarded & room)),
            self.stalled.eq(waiting & guarded),
            self.mask_addr.eq(current.src),
        ]
        # A layer is taken when all is done, and begins in the next cycle.
        m.d.sync += [
            begins.eq(self.i.valid & self.i.ready),
            self.i.ready.eq(~busy & ~waiting & ~begins & ~(self.i.valid & self.i.ready)),
        ]
        with m.If(self.i.ready):
            m.d.sync += [base.eq(self.i.payload.base), skip.eq(self.i.payload.skip)]
        with m.If(advance):
            m.d.sync += [waiting.eq(busy), current.eq(coming)]
        # Whether the next cycle's word is guarded, looked at here to keep it off `step`'s path.
        m.d.sync += guarded.eq(Mux(advance, self._guarded(coming.src), self._guarded(current.src)))

        # A word and its mask.
        scanned, scanned_en = current, step
        for stage in range(READ_LATENCY):
            later = Signal(word, name=f"word_{stage}", reset_less=True)
            later_en = Signal(name=f"word_en_{stage}")
            m.d.sync += [later.eq(scanned), later_en.eq(scanned_en)]
            scanned, scanned_en = later, later_en
        found, mask = Signal(self.o.payload.shape()), Signal(lanes)
        empty = mask == 0
        m.d.comb += [
            mask.eq(scanned.bytes & Mux(scanned.skip, self.mask_data, ~0)),
            found.mask.eq(mask),
            found.empty.eq(empty),
            found.last.eq(scanned.last),
            found.src.eq(scanned.src),
            found.weights.eq(scanned.weights),
        ]
        dropped = Signal(lanes)
        m.d.sync += dropped.eq(Mux(scanned_en, scanned.bytes & ~mask, 0))
        m.d.sync += self.skipped.eq(cells_of(platform).bits.count_ones(dropped))

        m.submodules.queue = queue = cells_of(platform).Queue(
            width=len(found.as_value()), depth=SEGMENT_DEPTH
        )
        # Places for this word, for those on their way to their masks, and for the one that entered
        # in the cycle in which `level` was seen.
        m.d.sync += room.eq(queue.level <= SEGMENT_DEPTH - 2 - READ_LATENCY)
        m.d.comb += [
            queue.w_data.eq(found.as_value()),
            queue.w_en.eq(scanned_en & (~empty | scanned.last)),
            self.o.payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        return m

    def _guarded(self, src):
        return self.guard.active & (src >= self.guard.start) & (src < self.guard.end)

    def _words(self, m, word, advance, begins, base, skip):
        """Address generator: returns the word it stands at, and whether it stands at one.

        With ``begins`` it goes to the first one of the layer, and on whenever ``advance``.
        """
        lanes = self.config.lanes
        here, busy = Signal(word, name="here"), Signal()
        descriptor = self.i.payload.descriptor
        new = part_of(descriptor, Op.DENSE)
        first_src, tile_weights, weight_stride = (
            Signal.like(field, name=name)
            for field, name in (
                (here.src, "first_src"),
                (here.weights, "tile_weights"),
                (new.weight_stride, "weight_stride"),
            )
        )
        # Words are counted down, and whether the count is 1 is known a cycle ahead.
        src_words, words_left, tiles_left = (
            Signal.like(field, name=name)
            for field, name in (
                (new.src_words, "src_words"),
                (new.src_words, "words_left"),
                (descriptor.tiles, "tiles_left"),
            )
        )
        last_tile, one_word = Signal(), Signal()
        tail_bytes = Signal(lanes)
        all_bytes = Const((1 << lanes) - 1, lanes)
        with m.If(busy & advance):
            m.d.sync += [
                here.src.eq(here.src + 1),
                here.weights.eq(here.weights + lanes),
                here.last.eq(words_left == 2),
                here.bytes.eq(Mux(words_left == 2, tail_bytes, all_bytes)),
                words_left.eq(words_left - 1),
            ]
            with m.If(here.last):
                m.d.sync += [
                    here.src.eq(first_src),
                    here.weights.eq(tile_weights + weight_stride),
                    here.last.eq(one_word),
                    here.bytes.eq(Mux(one_word, tail_bytes, all_bytes)),
                    tile_weights.eq(tile_weights + weight_stride),
                    words_left.eq(src_words),
                    tiles_left.eq(tiles_left - 1),
                    last_tile.eq(tiles_left == 2),
                    busy.eq(~last_tile),
                ]
        src = new.src + Mux(new.from_input, base, 0)
        new_tail = ((Const(1, lanes + 1) << new.tail) - 1)[:lanes]
        with m.If(begins):
            m.d.sync += [
                busy.eq(1),
                here.src.eq(src),
                first_src.eq(src),
                here.weights.eq(new.weights),
                tile_weights.eq(new.weights),
                here.last.eq(new.src_words == 1),
                here.bytes.eq(Mux(new.src_words == 1, new_tail, all_bytes)),
                here.skip.eq(skip),
                weight_stride.eq(new.weight_stride),
                src_words.eq(new.src_words),
                words_left.eq(new.src_words),
                one_word.eq(new.src_words == 1),
                tail_bytes.eq(new_tail),
                tiles_left.eq(descriptor.tiles),
                last_tile.eq(descriptor.tiles == 1),
            ]
        return here, busy
