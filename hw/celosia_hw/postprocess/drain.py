"""Drain: moves finished tiles out of the array, a beat of channels at a time."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia.spec.timing import DRAIN_LATENCY
from celosia_hw.array.held import Held
from celosia_hw.layouts import (
    active_layer,
    destination,
    drained,
    parameter_word,
    settings,
    sums,
    tag,
)
from celosia_hw.util.delay import delay, delay_valid
from celosia_hw.util.read_port import ReadPort

from .claims import Claims
from .drain_loop import DrainLoop
from .layer_queue import LayerQueue

__all__ = ["Drain"]


class Drain(wiring.Component):
    """Shifts captured tiles out of the array and joins each beat with its parameters.

    A tile leaves as ``cols / lanes`` words (a depthwise one as one), for each word every row with
    results in turn, each row in `Config.beats` beats: see `DrainLoop`. `o` is valid `latency`
    cycles after the drain decided on a beat, when ``shift`` was 1; its sums are those of `head`
    then (`Held`). One beat per cycle. The last beat of a word for the host reserves a slot of the
    result queue; a beat for the host waits for ``credit``.

    The next layer's first beat may be decided on in the cycle after the last one of the layer
    before. `settings` and `destinations` of both are held: see `LayerQueue`. Tiles are claimed
    ahead: see `Claims`.

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
    i : In(stream of `active_layer`); only when the layer before the last has arrived.
    claim : In(1), a tile has been finished by the feeder and will be captured; allowed only while
        ``free`` is 1.
    claim_parity : In(1), of the layer of the tile that may be claimed.
    free : Out(1).
    capturing : In(1), the tile is captured in the next cycle; its first beat may be decided then.
        `claim_latency` - 1 cycles after its claim.
    head : In(`sums`).
    shift : Out(1).
    word_end : Out(1), with ``shift``: the next beat is the first one of the tile's next word.
    params : Out(`ReadPort` of one `parameter_word`).
    o : Out(stream of `drained`, always ready).
    settings : Out(array of two `settings`), of the layers of either parity.
    destinations : Out(array of two `destination`), with convolution only.
    credit : In(1), a word for the host may be decided on.
    room : In(1), as in `Claims`.
    reserve : Out(1), a slot of the result queue is reserved, a cycle after the decision.
    stalled : Out(1), waiting for ``credit`` in this cycle.
    """

    latency = DRAIN_LATENCY

    def __init__(self, config: Config):
        self.config = config
        ports = {
            "i": In(stream.Signature(active_layer(config))),
            "claim": In(1),
            "claim_parity": In(1),
            "free": Out(1),
            "capturing": In(1),
            "head": In(sums(config)),
            "shift": Out(1),
            "word_end": Out(1),
            "params": Out(ReadPort(config.param_depth, parameter_word(config))),
            "o": Out(stream.Signature(drained(config), always_ready=True)),
            "settings": Out(settings()).array(2),
            "credit": In(1),
            "room": In(1),
            "reserve": Out(1),
            "stalled": Out(1),
        }
        if config.convolution:
            ports["destinations"] = Out(destination(config)).array(2)
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        m.submodules.layers = layers = LayerQueue(self.config)
        m.submodules.loop = loop = DrainLoop(self.config)
        m.submodules.claims = claims = Claims(self.config)
        connect(m, flipped(self.i), layers.i)
        go = Signal()
        pending = Signal()  # beats of a captured tile are left
        to_host = Signal()  # the open layer's results are
        free = self._requantizers_free(m, go, loop)
        wanted = pending & free
        m.d.comb += [
            go.eq(wanted & (~to_host | self.credit)),
            self.stalled.eq(wanted & ~go),
            loop.go.eq(go),
            loop.opens.eq(layers.opens),
            loop.layer.eq(layers.layer),
            layers.finishes.eq(go & loop.layer_end),
            layers.claim_parity.eq(self.claim_parity),
            claims.claim.eq(self.claim),
            claims.cycles.eq(layers.cycles),
            claims.stalled.eq(self.stalled),
            claims.room.eq(self.room),
            self.free.eq(claims.free),
            *(o.eq(held) for o, held in zip(self.settings, layers.settings, strict=True)),
        ]
        if self.config.convolution:
            pairs = zip(self.destinations, layers.destinations, strict=True)
            m.d.comb += [o.eq(held) for o, held in pairs]
        m.d.sync += [
            pending.eq((pending & ~(go & loop.tile_end)) | self.capturing),
            self.reserve.eq(go & to_host & loop.whole),
        ]
        with m.If(layers.opens):
            m.d.sync += to_host.eq(layers.layer.emit)
        of_beat = Signal(tag(self.config))
        fields = [name for name, _ in tag(self.config) if name != "parity"]
        m.d.comb += of_beat.parity.eq(layers.parity)
        m.d.comb += [of_beat[name].eq(getattr(loop, name)) for name in fields]
        self._join(m, go, of_beat)
        return m

    def _requantizers_free(self, m: Module, go: Value, loop: DrainLoop) -> Value:
        """Drive the address of the parameters; returns 1 when a beat may be decided on."""
        if self.config.requantizer_cycles == 1:
            m.d.comb += self.params.addr.eq(loop.params)
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
        with m.If(free_next):
            m.d.sync += self.params.addr.eq(loop.params)
        return free

    def _join(self, m, go, of_beat) -> None:
        """Register the beat's tag, and delay it as the parameters are."""
        payload = self.o.payload
        m.d.comb += payload.parameters.eq(self.params.data)
        taken, taken_valid = delay_valid(m, of_beat, go, 1, name="taken")
        rest = DRAIN_LATENCY - 1
        if self.config.requantizer_cycles > 1:
            # Tag and sums are held: only their valid is delayed.
            shift, shifted = delay(m, taken_valid, rest - 1, name="taken_valid", reset=True), taken
            valid = delay(m, shift, 1, name="shift", reset=True)
            m.d.comb += [payload.tag.eq(taken), payload.acc.eq(self.head)]
        else:
            # The sums are on their way as long as the parameters are.
            assert 1 + Held.latency == DRAIN_LATENCY
            shift, shifted = go, of_beat
            joined, valid = delay_valid(m, taken, taken_valid, rest, name="joined", gated=False)
            m.d.comb += [payload.tag.eq(joined), payload.acc.eq(self.head)]
        m.d.comb += [
            self.shift.eq(shift),
            self.word_end.eq(shifted.word_end),
            self.o.valid.eq(valid),
        ]
