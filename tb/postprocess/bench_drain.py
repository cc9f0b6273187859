"""Drain: captured tiles in, their sums with parameters, tags and settings out."""

from collections import deque
from dataclasses import dataclass, field

from celosia.spec import ACC, DESCRIPTOR
from celosia_hw import layouts
from celosia_hw.postprocess.drain import Drain
from tb import settings
from tb.base import TB, bench, bench_stalled
from tb.pack import noise, pack, unpack

from .layer_beats import layer_beats

_PINS = ("credit", "reserve", "shift", "stalled", "o__valid", "o__payload", "layer_done")


@dataclass
class Tile:
    """The sums of each beat, and the cycle of ``capturing`` once it is known."""

    beats: list[int]
    capturing: int = 0
    shifts: list[int] = field(default_factory=list)  # cycles in which ``shift`` was 1


class DrainTB(TB):
    """Plays sequencer, feeder, array, parameter memory and write-back.

    Attributes
    ----------
    expected : beats to come: their payload, settings, whether they go to the host.
    credit : probability that a word for the host may be decided on.
    stalled : cycles of waiting for credit.
    """

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall, self.credit = stall, 1 - stall[1]
        config = self.config
        self.multicycle = config.requantizer_cycles > 1
        width = layouts.parameter_word(config).size
        self.params = [noise(self.rng, width) for _ in range(config.param_depth)]
        self.tiles: deque[Tile] = deque()  # not yet claimed
        self.expected: deque[dict] = deque()
        self.time = self.stalled = self.reserved = 0
        self._claimed: Tile | None = None
        self._captured: list[Tile] = []  # the latest two
        self._history: deque[dict] = deque(maxlen=200)  # of the pins, this cycle last
        self._decided = self._done_at = -1000  # cycles of the last decision and `layer_done`
        self._arrives_in = 0
        self.layers = self.source("i", stall[0])
        # The next address past a layer may be outside of the memory.
        self.memory("params", lambda n: self.params[n] if n < len(self.params) else None)
        self.zero("claim", "capturing", "head", "layer_done", "credit")
        self.start(self._play())

    def add(self, **fields: int) -> None:
        """One more layer with random tiles."""
        rng, config = self.rng, self.config
        words, images = config.words_per_tile, int(rng.integers(config.rows))
        tiles = int(rng.integers(1, 4))
        d = dict.fromkeys((field.name for field in DESCRIPTOR.fields), 0) | {
            "tiles": tiles,
            "params": int(rng.integers(config.param_depth - tiles * config.params_per_tile)),
            "dst": int(rng.integers(config.act_depth - tiles * words)),
            "rounding": int(rng.integers(2)),
            **{name: int(rng.integers(256)) for name in ("zero_point", "clamp_min", "clamp_max")},
            **{name: int(rng.integers(2)) for name in ("use_table", "store", "emit", "last")},
            "table": int(rng.integers(16)),
            **fields,
        }
        layer = {"descriptor": d, "images": images}
        self.layers.queue.append(pack(layouts.active_layer(config), layer))
        held = {name: d[name] for name, _ in layouts.settings()}
        per_tile = words * config.rows * config.beats
        for n, tag in enumerate(layer_beats(config, tiles, d["dst"], images, d["last"])):
            tile, index = divmod(n, per_tile)
            if index == 0:
                self.tiles.append(Tile([]))
            # The parameters of a word are the same in every row.
            word, beat = index // (config.rows * config.beats), index % config.beats
            params = tile * config.params_per_tile + word * config.beats + beat
            acc = noise(rng, ACC.width * config.requantizers)
            self.tiles[-1].beats.append(acc)
            self.expected.append(
                {
                    "tag": tag,
                    "acc": acc,
                    "parameters": self.params[d["params"] + params],
                    "settings": held,
                    "to_host": bool(d["emit"] and tag["active"]),
                    "opens": n == 0,
                    "first_of": self.tiles[-1] if index == 0 else None,
                }
            )

    async def _play(self) -> None:
        while True:
            await self.cycle()
            self.time += 1
            self._history.append({name: getattr(self.dut, name).value for name in _PINS})
            if str(self.dut.rst.value) == "0":
                self._capture()
                self._observe()

    def _capture(self) -> None:
        """Finish a tile, capture it some cycles later, and shift it out."""
        dut, rng, now = self.dut, self.rng, self.time
        if int(dut.shift.value):
            assert self._captured, "nothing to shift"
            self._captured[-1].shifts.append(now)
        dut.claim.value = dut.capturing.value = 0
        if self._claimed is None:
            free = str(dut.free.value) == "1"
            if free and self.tiles and rng.random() >= self.stall[0]:
                dut.claim.value = 1
                self._claimed = self.tiles.popleft()
                self._claimed.capturing = (
                    now + 1 + int(rng.integers(1, 12 + self.config.requantizer_cycles))
                )
        elif self._claimed is not None and now + 1 == self._claimed.capturing:
            dut.capturing.value = 1
            self._captured = [*self._captured[-1:], self._claimed]
            self._claimed = None
        # The head is defined from when the chain has the sums until all have left.
        self.noise("head")
        for tile in self._captured:
            moved = sum(shift + 2 <= now + 1 for shift in tile.shifts)
            valid_from = tile.capturing + (3 if self.multicycle else 2)
            if now + 1 >= valid_from and moved < len(tile.beats):
                dut.head.value = tile.beats[moved]

    def _observe(self) -> None:
        """Take what is valid; give credit, and tell when a layer has arrived."""
        dut, pins = self.dut, self._history[-1]
        self.stalled += int(pins["stalled"])
        assert not (int(pins["stalled"]) and int(pins["credit"])), "stalled with credit"
        if int(pins["layer_done"]):
            self._done_at = self.time
        dut.layer_done.value = int(self._arrives_in == 1)
        self._arrives_in = max(0, self._arrives_in - 1)
        dut.credit.value = int(self.rng.random() < self.credit)
        if int(pins["o__valid"]):
            want = self.expected.popleft() if self.expected else None
            self._compare(want, int(pins["o__payload"]))
            self._check_time(want)
            if want["tag"]["layer_end"]:
                # Multicycle requantizers still work on it until then.
                at_least = max(1, self.config.requantizer_cycles - Drain.latency)
                self._arrives_in = at_least + int(self.rng.integers(15))

    def _compare(self, want: dict | None, payload: int) -> None:
        layout = layouts.drained(self.config)
        got = unpack(layout, payload)
        assert want, f"a beat of nothing: {got}"
        assert got["tag"] == want["tag"], f"{got['tag']} is not {want['tag']}"
        for name in ("acc", "parameters"):
            bits = payload >> layout[name].offset & (1 << layout[name].width) - 1
            assert bits == want[name], f"{name} {bits:#x} is not {want[name]:#x}: {want['tag']}"
        assert unpack(layouts.settings(), int(self.dut.settings.value)) == want["settings"]

    def _check_time(self, want: dict) -> None:
        """A beat that is valid now was decided on `Drain.latency` cycles ago, and rightly so."""
        decided, pace = self.time - Drain.latency, self.config.requantizer_cycles
        at_decision, after = self._history[-1 - Drain.latency], self._history[-Drain.latency]
        soonest = self._decided + pace
        if tile := want["first_of"]:
            assert decided > self._done_at, "a layer before the one before has arrived"
            soonest = max(soonest, tile.capturing + 1)
        assert decided >= soonest, "a beat too early"
        if self.credit == 1 and not want["opens"]:
            assert decided == soonest, "a beat too late"
        if want["to_host"]:
            assert int(at_decision["credit"]), "a word for the host without credit"
        assert int(after["reserve"]) == (want["to_host"] and want["tag"]["whole"])
        self.reserved += int(after["reserve"])
        shifted = self._history[-2] if self.multicycle else at_decision
        assert int(shifted["shift"]), "a beat that is not shifted out"
        if self.multicycle:
            valid_from = self._decided + Drain.latency
            self._check_held("tag", valid_from, decided)
            self._check_held("parameters", valid_from, valid_from + pace - 1)
        self._decided = decided

    def _check_held(self, name: str, start: int, end: int) -> None:
        """Field ``name`` of the beat before was the same in all these cycles."""
        history, field = list(self._history), layouts.drained(self.config)[name]
        cycles = history[start - self.time - 1 : end - self.time or None]
        seen = {int(pins["o__payload"]) >> field.offset & (1 << field.width) - 1 for pins in cycles}
        assert len(seen) == 1 or start < 0, f"{name} is not held"


@bench_stalled(40_000)
async def against_model(dut, stall):
    """Every beat once, in order, with its sums, parameters, tag and settings."""
    tb = DrainTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    for _ in range(settings.amount(24)):
        tb.add()
    await tb.until(lambda: not tb.expected)
    await tb.cycles(30)
    assert not (tb.tiles or tb.layers.queue)


@bench(20_000)
async def no_credit(dut):
    """Without credit what is stored is still drained; the first word for the host waits."""
    tb = DrainTB(dut, "no_credit", (0.2, 0.5))
    await tb.reset()
    tb.credit = 0
    for emit in (0, 0, 1, 1):
        tb.add(emit=emit)
    await tb.until(lambda: tb.expected[0]["to_host"])
    await tb.cycles(60)
    tb.stalled = 0
    await tb.cycles(100)
    assert tb.stalled == 100 and tb.expected[0]["to_host"]
    tb.credit = 0.5
    await tb.until(lambda: not tb.expected)
    await tb.cycles(30)
    assert not (tb.tiles or tb.layers.queue)
