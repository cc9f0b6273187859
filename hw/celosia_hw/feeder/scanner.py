"""First half of the feeder: which bytes of a layer's input need multiplying."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from celosia.spec import Config
from celosia.spec.timing import READ_LATENCY, SEGMENT_DEPTH
from celosia_hw.cells import cells_of
from celosia_hw.layouts import active_layer, hazard, segment, step
from celosia_hw.util.delay import delay, delay_valid
from celosia_hw.util.fall_through_buffer import FallThroughBuffer
from celosia_hw.util.read_port import ReadPort

from .addressing.dense import DenseAddresses
from .addressing.window import WindowAddresses

__all__ = ["Scanner"]


class Scanner(wiring.Component):
    """Walks the input of every tile of a layer and drops the bytes that add nothing.

    For every step of the layer's walk (`celosia_hw.feeder.addressing`) it reads the mask of the
    step's activation word, whose bit b is 0 when byte b is 0 in every row, and sends a segment with
    the bytes that are left. A segment without any is dropped, except the last of its tile, which is
    sent ``empty``. Bit-exact with the walk of `celosia.predict`.

    One step per cycle, the first one three cycles after its layer was taken; a segment is valid
    1 + `READ_LATENCY` cycles after its step. No step is made while, one cycle ago, more than
    `SEGMENT_DEPTH` - 2 - `READ_LATENCY` segments waited for the walker. A step waits while `hazard`
    is active and its ``need`` is above what is stored, and for one cycle more. A new layer is taken
    from two cycles after the last step of the one before.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `active_layer`); the descriptor must be held for one more cycle.
    masks : Out(`ReadPort` of ``lanes`` bits).
    hazard : In(`hazard`).
    o : Out(stream of `segment`).
    skipped : Out, bytes that were dropped, 2 + `READ_LATENCY` cycles after their step.
    stalled : Out(1), a step waits for results in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "masks": Out(ReadPort(config.act_depth, config.lanes)),
                "hazard": In(hazard(config)),
                "o": Out(stream.Signature(segment(config))),
                "skipped": Out(range(config.lanes + 1)),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        walk = WindowAddresses if self.config.convolution else DenseAddresses
        m.submodules.addresses = addresses = walk(self.config)
        following = addresses.o  # the step after the current one
        busy = addresses.busy
        if self.config.convolution:
            # The walk is long logic, which does not wait for what `go` waits for.
            m.submodules.ahead = ahead = FallThroughBuffer(step(self.config))
            connect(m, addresses.o, ahead.i)
            following = ahead.o
            busy = addresses.busy | following.valid
        current = Signal(step(self.config))
        current_valid = Signal()
        blocked = Signal()  # by the hazard
        room = Signal()
        go = Signal()
        m.d.comb += [
            go.eq(current_valid & ~blocked & room),
            following.ready.eq(~current_valid | (~blocked & room)),
            self.stalled.eq(current_valid & blocked),
            self.masks.addr.eq(current.src),
        ]
        with m.If(following.ready):
            m.d.sync += [current_valid.eq(following.valid), current.eq(following.payload)]
        # Compared for the next cycle's step, which keeps the comparison off the path of `go`.
        next_need = Mux(following.ready, following.payload.need, current.need)
        m.d.sync += blocked.eq(self.hazard.active & (next_need > self.hazard.stored))

        # A layer is taken when all is done, and starts in the next cycle.
        taken = self.i.valid & self.i.ready
        start = Signal()
        base = Signal.like(self.i.payload.base)
        skip = Signal()
        m.d.sync += [
            start.eq(taken),
            self.i.ready.eq(~busy & ~current_valid & ~start & ~taken),
        ]
        with m.If(self.i.ready):
            m.d.sync += [base.eq(self.i.payload.base), skip.eq(self.i.payload.skip)]
        m.d.comb += [
            addresses.start.eq(start),
            addresses.layer.eq(self.i.payload),
            addresses.layer.base.eq(base),
            addresses.layer.skip.eq(skip),
        ]
        # The parity of the layer that starts changes only when all steps before it are made.
        parity = Signal(init=1)
        with m.If(start):
            m.d.sync += parity.eq(~parity)
        self._segments(m, platform, current, go, parity, room)
        return m

    def _copied(self) -> list[str]:
        """The fields of a step that its segment has too."""
        of_step = [name for name, _ in step(self.config)]
        return [name for name, _ in segment(self.config) if name in of_step]

    def _segments(self, m: Module, platform, current, go, parity, room: Signal) -> None:
        """Join each step with its mask, and queue what is left of it."""
        cells = cells_of(platform)
        scanned, scanned_valid = delay_valid(
            m, current, go, READ_LATENCY, name="scanned", gated=False
        )
        found = Signal(segment(self.config))
        mask = Signal(self.config.lanes)
        m.d.comb += [
            mask.eq(scanned.bytes & Mux(scanned.skip, self.masks.data, ~0)),
            found.mask.eq(mask),
            found.empty.eq(mask == 0),
            found.parity.eq(delay(m, parity, READ_LATENCY, name="parity")),
            *(found[name].eq(scanned[name]) for name in self._copied()),
        ]
        if self.config.convolution:
            with m.If(scanned.drop):
                m.d.comb += mask.eq(0)
        dropped = Signal(self.config.lanes)
        m.d.sync += [
            dropped.eq(Mux(scanned_valid, scanned.bytes & ~mask, 0)),
            self.skipped.eq(cells.bits.count_ones(dropped)),
        ]
        width = len(found.as_value())
        m.submodules.queue = queue = cells.Queue(width=width, depth=SEGMENT_DEPTH)
        # Slots for this segment, for those whose masks are being read, and for the one that entered
        # in the cycle in which `level` was seen.
        m.d.sync += room.eq(queue.level <= SEGMENT_DEPTH - 2 - READ_LATENCY)
        m.d.comb += [
            queue.w_data.eq(found.as_value()),
            queue.w_en.eq(scanned_valid & (~found.empty | scanned.last)),
            self.o.payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
