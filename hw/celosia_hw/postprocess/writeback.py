"""Write-back: bytes to words, words to activation memory and to the host."""

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia.spec.timing import RESULTS_DEPTH
from celosia_hw.layouts import destination, finished, result, row_write, settings, word
from celosia_hw.util.of_parity import of_parity
from celosia_hw.util.skid_buffer import SkidBuffer

from .claims import claim_latency

__all__ = ["Writeback"]


class Writeback(wiring.Component):
    """Assembles the beats of a word; stores it, sends it to the host, or both.

    A word is complete in the cycle of its last beat, in which `results` is valid (with ``store``)
    and it enters the result queue (with ``emit``); ``store`` and ``emit`` are those of its layer.
    `host` is valid three cycles later at the earliest.

    The queue cannot overflow, because its slots are credits. The drain decides on a word for the
    host only while ``credit`` is 1, ``reserve`` takes a slot for it a cycle later, and the host
    returns it with the word. ``credit`` is a register: 1 when at most `RESULTS_DEPTH` - 3 slots
    were taken a cycle ago. So two more decisions can be made that it does not know of yet, one
    whose ``reserve`` is being counted and one whose ``reserve`` is a cycle away, and with both, and
    the one being made, all slots are taken. ``room`` is a register too: 1 when
    `claim_latency` slots less were taken. Then no decision waits for credit in that cycle or the
    `claim_latency` cycles after it.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `finished`, always ready).
    store_next : In(1), a beat that completes a word to be stored is valid in the next cycle.
    settings : In(array of two `settings`), by parity.
    destinations : In(array of two `destination`), by parity; with convolution only.
    reserve : In(1).
    credit : Out(1).
    room : Out(1).
    results : Out(stream of `row_write`, always ready).
    result_next : Out(1), `results` is valid in the next cycle.
    host : Out(stream of `result`).
    empty : Out(1), no word waits for the host.
    word_done : Out(1), a word is complete in every row.
    layer_done : Out(1), the layer is complete.
    images : Out, images of a run whose last result is complete in this cycle; else 0. Rows that
        share one image count as one.
    """

    def __init__(self, config: Config):
        self.config = config
        destinations = (
            {"destinations": In(destination(config)).array(2)} if config.convolution else {}
        )
        super().__init__(
            {
                "i": In(stream.Signature(finished(config), always_ready=True)),
                "store_next": In(1),
                "settings": In(settings()).array(2),
                **destinations,
                "reserve": In(1),
                "credit": Out(1),
                "room": Out(1),
                "results": Out(stream.Signature(row_write(config), always_ready=True)),
                "result_next": Out(1),
                "host": Out(stream.Signature(result(config))),
                "empty": Out(1),
                "word_done": Out(1),
                "layer_done": Out(1),
                "images": Out(range(config.rows + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        valid, tag = self.i.valid, self.i.payload.tag
        complete = self._word(m)
        stored = self.results.payload
        of_layer = of_parity(self.settings, tag.parity)
        frame_end = tag.layer_end & of_layer.last
        m.d.comb += self.result_next.eq(self.store_next)
        m.d.sync += self.results.valid.eq(self.result_next)
        m.d.comb += [
            stored.row.eq(tag.row),
            stored.active.eq(1),
            stored.dst.eq(tag.dst),
            stored.word_end.eq(tag.word_end),
            stored.data.eq(complete),
            self.word_done.eq(valid & tag.word_end),
            self.layer_done.eq(valid & tag.layer_end),
        ]
        images = tag.row + 1
        if self.config.convolution:
            to = of_parity(self.destinations, tag.parity)
            images = Mux(to.images, images, 1)
            m.d.comb += [stored.number.eq(tag.number), stored.placement.eq(to.placement)]
        with m.If(valid & frame_end):
            m.d.comb += self.images.eq(images)
        self._queue(m, complete, of_layer.emit, frame_end)
        return m

    def _word(self, m: Module) -> Signal:
        """The word that this beat completes; its beats are valid one after the other."""
        beat = self.i.payload.data.as_value()
        complete = Signal(word(self.config))
        earlier = Signal(len(complete.as_value()) - len(beat), reset_less=True)
        m.d.comb += complete.eq(Cat(earlier, beat))
        with m.If(self.i.valid):
            m.d.sync += earlier.eq(Cat(earlier, beat)[len(beat) :])
        return complete

    def _queue(self, m: Module, complete: Signal, emit: Value, frame_end: Value) -> None:
        """Queue complete words for the host, and count the slots that are taken."""
        layout = result(self.config)
        queue = fifo.SyncFIFOBuffered(width=layout.size, depth=RESULTS_DEPTH)
        m.submodules.queue = queue
        # Cuts the path from what takes results to the queue.
        m.submodules.skid = skid = SkidBuffer(layout)
        connect(m, queue.r_stream, skid.i)
        connect(m, skid.o, flipped(self.host))
        entering = Signal(layout)
        m.d.comb += [
            entering.data.eq(complete),
            entering.frame_end.eq(frame_end),
            queue.w_data.eq(entering.as_value()),
            queue.w_en.eq(self.i.valid & self.i.payload.tag.whole & emit),
            self.empty.eq((queue.level == 0) & ~skid.o.valid),
        ]
        slots = Signal(range(RESULTS_DEPTH + 1))  # reserved, by words on their way or waiting
        returned = Signal()
        m.d.sync += [
            returned.eq(self.host.valid & self.host.ready),
            slots.eq(slots + self.reserve - returned),
            self.credit.eq(slots <= RESULTS_DEPTH - 3),
            self.room.eq(slots <= RESULTS_DEPTH - 3 - claim_latency(self.config)),
        ]
