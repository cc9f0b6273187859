"""First half of the feeder: which bytes of a layer's input need multiplying."""

from amaranth import *
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.timing import SEGMENT_DEPTH

from .layouts import active_layer, segment

__all__ = ["Scanner", "guard"]


def guard(config: Config) -> data.StructLayout:
    """Words ``start <= word < end`` still to be written by the layer before, when ``active``."""
    return data.StructLayout(
        {"active": 1, "start": range(config.act_depth + 1), "end": range(config.act_depth + 1)}
    )


class Scanner(wiring.Component):
    """Walks the input words of every tile of a layer and drops the bytes that add nothing.

    For tile t and input word j it reads the mask of word ``src + j``, whose bit b is 0 when byte b
    is 0 in every row, and hands on ``{mask, src + j, weights + t * k + j * lanes}``. Words whose
    mask is 0 are dropped. The tile's last word carries ``last``; when that word is itself to be
    dropped it is handed on with mask 0.

    One word per cycle, a segment valid two cycles after its word was scanned; up to
    `SEGMENT_DEPTH` segments wait for the walker. A word under `guard` is waited for. A new layer is
    taken in the cycle in which the last word of the one before is scanned.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `active_layer`)
    mask_addr, mask_en : Out, the mask memory's read port; mask_data : In, one cycle later.
    guard : In(`guard`)
    o : Out(stream of `segment`)
    skipped : Out, bytes dropped in this cycle.
    stalled : Out(1), waiting for a guarded word in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "mask_addr": Out(range(config.act_depth)),
                "mask_en": Out(1),
                "mask_data": In(config.lanes),
                "guard": In(guard(config)),
                "o": Out(stream.Signature(segment(config))),
                "skipped": Out(range(config.lanes + 1)),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.config.lanes
        layer = Signal(self.i.payload.shape())
        descriptor = layer.descriptor
        busy = Signal()
        src = Signal(range(self.config.act_depth))
        weights = Signal(range(self.config.weight_depth))
        tile_weights = Signal.like(weights)
        words_left = Signal.like(descriptor.src_words)
        tiles_left = Signal.like(descriptor.tiles)

        m.submodules.queue = queue = fifo.SyncFIFO(
            width=self.o.payload.shape().size, depth=SEGMENT_DEPTH
        )
        scanned = Signal()
        scanned_bytes = Signal(lanes)
        scanned_skip = Signal()
        found = Signal(self.o.payload.shape())

        guarded = Signal()
        step = Signal()
        word_ends_tile = words_left == 1
        word_ends_layer = word_ends_tile & (tiles_left == 1)
        m.d.comb += [
            guarded.eq(self.guard.active & (src >= self.guard.start) & (src < self.guard.end)),
            # One slot is kept for the word whose mask is being read.
            step.eq(busy & ~guarded & (queue.level + scanned < SEGMENT_DEPTH)),
            self.stalled.eq(busy & guarded),
            self.mask_addr.eq(src),
            self.mask_en.eq(step),
            self.i.ready.eq(~busy | (step & word_ends_layer)),
        ]

        first_src = (descriptor.src + Mux(descriptor.from_input, layer.base, 0))[: len(src)]
        with m.If(step):
            m.d.sync += [
                src.eq(src + 1),
                weights.eq(weights + lanes),
                words_left.eq(words_left - 1),
            ]
            with m.If(word_ends_tile):
                m.d.sync += [
                    src.eq(first_src),
                    weights.eq(tile_weights + descriptor.k),
                    tile_weights.eq(tile_weights + descriptor.k),
                    words_left.eq(descriptor.src_words),
                    tiles_left.eq(tiles_left - 1),
                ]
            with m.If(word_ends_layer):
                m.d.sync += busy.eq(0)
        with m.If(self.i.valid & self.i.ready):
            new = self.i.payload
            m.d.sync += [
                busy.eq(1),
                layer.eq(new),
                src.eq(new.descriptor.src + Mux(new.descriptor.from_input, new.base, 0)),
                weights.eq(new.descriptor.weights),
                tile_weights.eq(new.descriptor.weights),
                words_left.eq(new.descriptor.src_words),
                tiles_left.eq(new.descriptor.tiles),
            ]

        all_bytes = Const((1 << lanes) - 1, lanes)
        tail_bytes = ((Const(1, lanes + 1) << descriptor.tail) - 1)[:lanes]
        m.d.sync += scanned.eq(step)
        with m.If(step):
            m.d.sync += [
                scanned_bytes.eq(Mux(word_ends_tile, tail_bytes, all_bytes)),
                scanned_skip.eq(layer.skip),
                found.last.eq(word_ends_tile),
                found.src.eq(src),
                found.weights.eq(weights),
            ]

        mask = Signal(lanes)
        segment = Signal(self.o.payload.shape())
        m.d.comb += [
            mask.eq(scanned_bytes & Mux(scanned_skip, self.mask_data, all_bytes)),
            segment.eq(found),
            segment.mask.eq(mask),
            queue.w_data.eq(segment.as_value()),
            queue.w_en.eq(scanned & (mask.any() | found.last)),
            self.o.payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        with m.If(scanned):
            m.d.comb += self.skipped.eq(sum(bit for bit in scanned_bytes & ~mask))
        return m
