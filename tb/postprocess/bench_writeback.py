"""Write-back: words assembled, stored, sent to the host; and credits, so that none is lost."""

from collections import deque
from dataclasses import dataclass

from celosia.spec.timing import RESULTS_DEPTH
from celosia_hw import layouts
from celosia_hw.postprocess.drain import Drain
from celosia_hw.postprocess.postprocess import Postprocess
from tb import settings
from tb.base import TB, bench, bench_stalled
from tb.pack import bits, noise, pack, unpack

from .layer_beats import layer_beats


@dataclass
class Layer:
    """The settings of a layer, its beats that are not decided on, and how many have yet to arrive.

    ``destination`` : that of engines with convolution.
    """

    parity: int
    settings: dict[str, int]
    destination: dict
    beats: deque["Beat"]
    left: int


@dataclass
class Beat:
    """A beat, the word that it completes, and where that goes."""

    layer: Layer
    tag: dict[str, int]
    data: int
    word: int
    store: bool
    to_host: bool


class WritebackTB(TB):
    """Plays drain and postprocessing: what is decided on is valid ``latency`` cycles later.

    A beat is decided on as soon as it may be, except with the probability of ``stall``.

    Attributes
    ----------
    reserved, most_reserved : words for the host decided on and not yet taken, and the most of them.
    soonest : cycles from a complete word to its transfer to the host, the fewest.
    """

    def __init__(self, dut, name: str, stall: tuple[float, float], latency: int):
        super().__init__(dut, name)
        self.stall, self.latency = stall[0], latency
        self.host = self.sink("host", stall[1])
        # For the rules of a stream; what is transferred is compared with the rest of the cycle.
        self.monitor("host", lambda payload: None)
        self.time = self.reserved = self.most_reserved = 0
        self.soonest = 1000
        self._layers: deque[Layer] = deque()  # the first two of them in flight
        self._added = 0
        self._on_the_way: dict[int, Beat] = {}  # by the cycle in which they are valid
        self._waiting: deque[tuple[int, int]] = deque()  # (cycle, payload) of words for the host
        self._result_next = 0
        self.zero("i__valid", "i__payload", "store_next", "settings__0", "settings__1", "reserve")
        if self.config.convolution:
            self.zero("destinations__0", "destinations__1")
        self.start(self._play())

    @property
    def done(self) -> bool:
        return not (self._layers or self._waiting)

    def add(self, **fields: int) -> None:
        """One more layer with these settings, ``tiles`` and ``last_row``, the others random."""
        rng, config = self.rng, self.config
        values = {name: noise(rng, field.width) for name, field in layouts.settings()}
        layer = {"tiles": int(rng.integers(1, 5)), "last_row": int(rng.integers(config.rows))}
        layer |= {name: fields.pop(name) for name in layer if name in fields}
        size = layer["tiles"] * config.words_per_tile
        layer["dst"] = int(rng.integers(config.act_depth - size))
        layer |= {"result_row": noise(rng, 16)}
        destination = {}
        if config.convolution:
            width = layouts.placement(config).size
            placement = unpack(layouts.placement(config), noise(rng, width))
            destination = {"placement": placement, "images": int(rng.integers(2))}
        width, word = 8 * config.requantizers, []
        of = Layer(self._added % 2, values | fields, destination, deque(), 0)
        for beat in layer_beats(config, layer, of.parity):
            word = [*word, noise(rng, width)][-config.beats :]
            store, emit = bool(of.settings["store"]), bool(of.settings["emit"])
            of.beats.append(Beat(of, beat["tag"], word[-1], bits(word, width), store, emit))
        of.left = len(of.beats)
        self._added += 1
        self._layers.append(of)

    async def _play(self) -> None:
        while True:
            await self.cycle()
            self.time += 1
            if str(self.dut.rst.value) == "0":
                beat = self._on_the_way.pop(self.time, None)
                self._check(beat)
                self._check_host(beat)
                if beat:
                    beat.layer.left -= 1
                    if not beat.layer.left:
                        self._layers.popleft()
                self._decide()
                self._drive()

    def _check(self, beat: Beat | None) -> None:
        """What goes to the memory, and what is told to sequencer and counters."""
        dut, config = self.dut, self.config
        tag = beat.tag if beat else dict.fromkeys(("word_end", "layer_end"), 0)
        stored = bool(beat and beat.store and tag["whole"])
        assert int(dut.results__valid.value) == stored == self._result_next
        if stored:
            values = {name: tag[name] for name in ("row", "dst", "word_end")} | {"active": 1}
            if config.convolution:
                values["number"] = tag["number"]
                values["placement"] = beat.layer.destination["placement"]
            layout = layouts.row_write(config)
            want = pack(layout, values) | beat.word << layout["data"].offset
            assert int(dut.results__payload.value) == want
        self._result_next = int(dut.result_next.value)
        assert int(dut.word_done.value) == tag["word_end"]
        assert int(dut.layer_done.value) == tag["layer_end"]
        images = 0
        if beat and tag["layer_end"] and beat.layer.settings["last"]:
            # Rows that share an image count as one.
            images = 1 if not beat.layer.destination.get("images", 1) else tag["row"] + 1
        assert int(dut.images.value) == images

    def _check_host(self, beat: Beat | None) -> None:
        dut, layout = self.dut, layouts.result(self.config)
        assert int(dut.empty.value) == (not self._waiting)
        if int(dut.host__valid.value) and int(dut.host__ready.value):
            assert self._waiting, "a word of nothing for the host"
            complete, want = self._waiting.popleft()
            got = int(dut.host__payload.value)
            assert got == want, f"{got:#x} is not {want:#x}"
            self.soonest = min(self.soonest, self.time - complete)
            self.reserved -= 1
        if beat and beat.to_host and beat.tag["whole"]:
            frame_end = beat.tag["layer_end"] and beat.layer.settings["last"]
            frame_end = frame_end << layout["frame_end"].offset
            self._waiting.append((self.time, beat.word << layout["data"].offset | frame_end))

    def _decide(self) -> None:
        """On a beat, in the cycle that ends here; the reservation is made in the next one."""
        reserve = False
        credit = int(self.dut.credit.value)
        undecided = next((layer.beats for layer in self._layers if layer.beats), None)
        # At most two layers are in flight.
        if undecided and undecided[0].layer not in [*self._layers][:2]:
            undecided = None
        if undecided and (credit or not undecided[0].to_host):
            if self.rng.random() >= self.stall:
                beat = undecided.popleft()
                self._on_the_way[self.time + self.latency] = beat
                reserve = beat.to_host and bool(beat.tag["whole"])
        self.dut.reserve.value = int(reserve)
        self.reserved += reserve
        self.most_reserved = max(self.most_reserved, self.reserved)
        assert self.reserved <= RESULTS_DEPTH, "more words than slots"

    def _drive(self) -> None:
        """The beat that is valid in the next cycle, and whether that of the one after is whole."""
        dut, layout = self.dut, layouts.finished(self.config)
        beat, after = (self._on_the_way.get(self.time + n) for n in (1, 2))
        dut.i__valid.value = int(beat is not None)
        self.noise("i__payload")
        if beat:
            payload = pack(layout, {"tag": beat.tag}) | beat.data << layout["data"].offset
            dut.i__payload.value = payload
        dut.store_next.value = int(bool(after and after.store and after.tag["whole"]))
        for layer in [*self._layers][:2]:
            held = getattr(dut, f"settings__{layer.parity}")
            held.value = pack(layouts.settings(), layer.settings)
            if self.config.convolution:
                held = getattr(dut, f"destinations__{layer.parity}")
                held.value = pack(layouts.destination(self.config), layer.destination)


@bench_stalled(20_000)
async def against_model(dut, stall):
    """Words of layers that store, emit, both or none, in order to memory and host."""
    tb = WritebackTB(dut, f"against_model{stall}", stall, latency=5)
    await tb.reset()
    for _ in range(settings.amount(48)):
        tb.add()
    tb.add(emit=1)
    await tb.until(lambda: tb.done)
    await tb.cycles(10)
    assert tb.reserved == 0
    assert tb.soonest == 3 or stall[1]


@bench(20_000)
async def blocked(dut):
    """With a host that is blocked all slots are taken, and no more; nothing is lost."""
    config = settings.config()
    latency = Drain.latency + Postprocess(config).latency
    tb = WritebackTB(dut, "blocked", (0, 0), latency)
    await tb.reset()
    # Each is long enough to take all slots.
    tiles = 1 + 2 * RESULTS_DEPTH // (config.rows * config.words_per_tile)
    for _ in range(2 + settings.amount(12)):
        tb.add(emit=1, tiles=tiles, last_row=config.rows - 1)
    for _ in range(2):
        tb.host.paused, tb.most_reserved = True, 0
        await tb.cycles(4 * config.beats * RESULTS_DEPTH)
        # With several beats a word, it is known sooner that a slot is reserved.
        assert tb.most_reserved > RESULTS_DEPTH - 3 and tb.reserved == tb.most_reserved
        assert tb.most_reserved == RESULTS_DEPTH or config.beats > 1
        tb.host.paused = False
        await tb.cycles(RESULTS_DEPTH)
    tb.host.stall = 0.7
    await tb.until(lambda: tb.done)
    await tb.cycles(10)
    assert tb.reserved == 0
