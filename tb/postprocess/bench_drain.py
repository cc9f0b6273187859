"""Drain: captured tiles in, their sums with parameters, tags and settings out."""

from collections import deque
from dataclasses import dataclass, field

from cocotb.triggers import FallingEdge

from celosia.spec import ACC, PARTS, Op, descriptor
from celosia.spec.timing import RESULTS_DEPTH
from celosia_hw import layouts
from celosia_hw.array.held import Held
from celosia_hw.postprocess.claims import claim_latency
from celosia_hw.postprocess.drain import Drain
from tb import settings
from tb.base import TB, bench, bench_stalled
from tb.pack import noise, pack, unpack

from .layer_beats import layer_beats

_PINS = ("credit", "reserve", "shift", "word_end", "stalled", "o__valid", "o__payload")
#: Cycles from a layer taken to its first claim, at least.
_TO_CLAIM = 4


@dataclass
class Tile:
    """The sums of each beat, its layer, and the cycle of ``capturing`` once it is known."""

    layer: int
    longest: int  # beats of a tile of step 0
    beats: list[int] = field(default_factory=list)
    capturing: int = 0
    shifts: list[int] = field(default_factory=list)  # cycles in which ``shift`` was 1


@dataclass
class Layer:
    """A layer packed, the settings and destination to be held, and when it was taken."""

    packed: int
    held: dict
    destination: dict
    taken: int | None = None
    arrives: int | None = None


class DrainTB(TB):
    """Plays sequencer, feeder, array, parameter memory and write-back.

    Attributes
    ----------
    expected : beats to come: their payload, settings, whether they go to the host.
    taking : probability that the host takes a word.
    slots : of the result queue, that are taken.
    stalled : cycles of waiting for credit.
    """

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall, self.taking = stall, 1 - stall[1]
        config = self.config
        self.multicycle = config.requantizer_cycles > 1
        self.latency = claim_latency(config)
        width = layouts.parameter_word(config).size
        self.params = [noise(self.rng, width) for _ in range(config.param_depth)]
        self.all_layers: list[Layer] = []
        self.arrived = 0  # layers
        self.tiles: deque[Tile] = deque()  # not yet claimed
        self.expected: deque[dict] = deque()
        self.time = self.stalled = self.slots = self.ahead = 0
        self._claimed: deque[Tile] = deque()
        self._captured: list[Tile] = []  # the latest three
        self._history: deque[dict] = deque(maxlen=200)  # of the pins, this cycle last
        self._decided = self._claim_at = -1000  # cycles of the last decision and claim
        self._last_claimed: Tile | None = None
        self.layers = self.source("i", stall[0], holds=True)
        self.monitor("i", self._taken)
        # The next address past a layer may be outside of the memory.
        self.memory("params", lambda n: self.params[n] if n < len(self.params) else None)
        self.zero("claim", "claim_parity", "capturing", "head", "credit", "room")
        self.start(self._play())

    def add(self, **fields: int) -> None:
        """One more layer with random tiles."""
        rng, config = self.rng, self.config
        tiles = int(rng.integers(1, 4))
        chunks = tiles * config.params_per_tile
        d = {
            "op": Op.DENSE,
            "tiles": tiles,
            "params": int(rng.integers(config.param_depth - chunks)),
            "dst": int(rng.integers(config.act_depth - tiles * config.words_per_tile)),
            "rounding": int(rng.integers(2)),
            **{name: int(rng.integers(256)) for name in ("zero_point", "clamp_min", "clamp_max")},
            **{name: int(rng.integers(2)) for name in ("use_table", "store", "emit", "last")},
            "table": int(rng.integers(16)),
        }
        run = {"images": int(rng.integers(config.rows))}
        layer = {name: d[name] for name in ("tiles", "params", "dst")}
        layer["last_row"] = run["images"]
        destination = {}
        if config.convolution:
            d |= self._steps()
            layer |= {name: d[name] for name in ("steps", "result_row", "result_pixel")}
            layer["depthwise"] = d["op"] == Op.DEPTHWISE
            layer["rows_full"] = d["steps"] if d["images"] else d["rows_full"]
            layer["dst"] += d["halo"]
            if not d["images"]:
                layer["last_row"] = d["rows_used"] - 1
            kept = {name: d[name] for name in ("row_words", "halo", "length")}
            destination = {"placement": kept | {"base": d["dst"]}, "images": d["images"]}
        d |= fields
        packed = pack(layouts.active_layer(config), run | {"descriptor": self._raw(d)})
        held = {name: d[name] for name, _ in layouts.settings()}
        index = len(self.all_layers)
        rows, words = layer["last_row"] + 1, config.words_per_tile
        if layer.get("depthwise"):
            words = 1
        self.all_layers.append(Layer(packed, held, destination))
        for beat in layer_beats(config, layer, index % 2):
            if beat["opens"]:
                self.tiles.append(Tile(index, rows * words * config.beats))
            acc = noise(rng, ACC.width * config.requantizers)
            self.tiles[-1].beats.append(acc)
            self.expected.append(
                {
                    "tag": beat["tag"],
                    "acc": acc,
                    "parameters": self.params[beat["params"]],
                    "layer": index,
                    "to_host": bool(d["emit"]),
                    "first_of": self.tiles[-1] if beat["opens"] else None,
                }
            )

    def _steps(self) -> dict[str, int]:
        """Fields of a layer on maps."""
        rng, config = self.rng, self.config
        used, steps = int(rng.integers(1, config.rows + 1)), int(rng.integers(1, 5))
        return {
            "op": int(rng.choice(config.ops)),
            "images": int(rng.integers(2)),
            "steps": steps,
            "rows_used": used,
            # Every step has a row.
            "rows_full": steps if used == 1 else int(rng.integers(steps + 1)),
            "result_row": noise(rng, 16),
            "result_pixel": noise(rng, 16),
            **{name: noise(rng, 16) for name in ("row_words", "halo", "length")},
        }

    def _raw(self, d: dict[str, int]) -> dict[str, int]:
        """The fields of the engine's descriptor, those of the operation as its part."""
        part = PARTS[Op(d["op"])]
        own = {each.name: d.get(each.name, 0) for each in part.fields}
        common = {each.name for each in descriptor(self.config).fields} - {"part"}
        packed = int.from_bytes(part.pack(**own), "little")
        return {name: d[name] for name in common & set(d)} | {"part": packed}

    @property
    def done(self) -> bool:
        return not self.expected and self.arrived == len(self.all_layers)

    def _taken(self, payload: int) -> None:
        # Seen before `_play` counts the cycle.
        next(each for each in self.all_layers if each.taken is None).taken = self.time + 1

    async def _play(self) -> None:
        offered = 0
        while True:
            await self.cycle()
            self.time += 1
            self._history.append({name: getattr(self.dut, name).value for name in _PINS})
            if str(self.dut.rst.value) != "0":
                continue
            # At most two layers are in flight.
            if offered < min(len(self.all_layers), self.arrived + 2):
                self.layers.queue.append(self.all_layers[offered].packed)
                offered += 1
            self._capture()
            self._observe()
            self._credit()
            # A claim is made in the cycle in which the drain is free.
            self.dut.claim.value = 0
            await FallingEdge(self.dut.clk)
            self._claim()

    def _claim(self) -> None:
        """Claim a tile in this cycle, number ``time + 1``, if that is allowed."""
        dut, now = self.dut, self.time + 1
        free, taken = int(dut.free.value), None
        if self.tiles:
            taken = self.all_layers[self.tiles[0].layer].taken
            dut.claim_parity.value = self.tiles[0].layer % 2
        if taken is None or now < taken + _TO_CLAIM or self.rng.random() < self.stall[0]:
            return
        if self.stall == (0, 0) and self._last_claimed:
            # As soon as it may be: the tile before takes so long to drain, or would in step 0.
            pace = self._last_claimed.longest * self.config.requantizer_cycles
            assert free == (now >= self._claim_at + pace)
        if free:
            dut.claim.value = 1
            tile = self.tiles.popleft()
            tile.capturing = now + self.latency - 1
            self._claimed.append(tile)
            self._last_claimed, self._claim_at = tile, now

    def _capture(self) -> None:
        """Capture a tile some cycles after its claim, and shift it out."""
        dut, now = self.dut, self.time
        if int(dut.shift.value):
            tile = [each for each in self._captured if each.capturing < now][-1:]
            assert tile, "nothing to shift"
            tile[0].shifts.append(now)
        dut.capturing.value = 0
        if self._claimed and now + 1 == self._claimed[0].capturing:
            dut.capturing.value = 1
            self._captured = [*self._captured[-4:], self._claimed.popleft()]
        # The head is defined from when the chain has the sums until all have left.
        self.noise("head")
        late = 0 if self.multicycle else Held.latency
        for tile in self._captured:
            moved = sum(shift + 2 + late <= now + 1 for shift in tile.shifts)
            valid_from = tile.capturing + (3 if self.multicycle else 2 + late)
            if now + 1 >= valid_from:
                self.noise("head")
                if moved < len(tile.beats):
                    dut.head.value = tile.beats[moved]

    def _credit(self) -> None:
        """What write-back does with its slots."""
        dut = self.dut
        dut.credit.value = int(self.slots <= RESULTS_DEPTH - 3)
        dut.room.value = int(self.slots <= RESULTS_DEPTH - 3 - self.latency)
        taken = self.slots > 0 and self.rng.random() < self.taking
        self.slots += int(self._history[-1]["reserve"]) - taken
        assert self.slots <= RESULTS_DEPTH

    def _observe(self) -> None:
        """Take what is valid; tell when a layer has arrived; check what is held until then."""
        pins = self._history[-1]
        self.stalled += int(pins["stalled"])
        assert not (int(pins["stalled"]) and int(pins["credit"])), "stalled with credit"
        if int(pins["o__valid"]):
            want = self.expected.popleft() if self.expected else None
            self._compare(want, int(pins["o__payload"]))
            self._check_time(want)
            if want["tag"]["layer_end"]:
                # Multicycle requantizers still work on it until then.
                at_least = max(1, self.config.requantizer_cycles - Drain.latency)
                layer = self.all_layers[want["layer"]]
                layer.arrives = self.time + at_least + int(self.rng.integers(15))
        for index in range(self.arrived, min(self.arrived + 2, len(self.all_layers))):
            self._check_layer(index)
        if self.arrived < len(self.all_layers):
            arrives = self.all_layers[self.arrived].arrives
            self.arrived += arrives is not None and arrives <= self.time

    def _check_layer(self, index: int) -> None:
        layer = self.all_layers[index]
        if layer.taken is None or self.time <= layer.taken + 1:
            return
        held = int(getattr(self.dut, f"settings__{index % 2}").value)
        assert unpack(layouts.settings(), held) == layer.held
        if self.config.convolution:
            held = int(getattr(self.dut, f"destinations__{index % 2}").value)
            assert held == pack(layouts.destination(self.config), layer.destination)

    def _compare(self, want: dict | None, payload: int) -> None:
        layout = layouts.drained(self.config)
        got = unpack(layout, payload)
        assert want, f"a beat of nothing: {got}"
        assert got["tag"] == want["tag"], f"{got['tag']} is not {want['tag']}"
        for name in ("acc", "parameters"):
            found = payload >> layout[name].offset & (1 << layout[name].width) - 1
            assert found == want[name], f"{name} {found:#x} is not {want[name]:#x}: {want['tag']}"

    def _check_time(self, want: dict) -> None:
        """A beat that is valid now was decided on `Drain.latency` cycles ago, and rightly so."""
        decided, pace = self.time - Drain.latency, self.config.requantizer_cycles
        at_decision, after = self._history[-1 - Drain.latency], self._history[-Drain.latency]
        soonest = self._decided + pace
        if tile := want["first_of"]:
            soonest = max(soonest, tile.capturing + 1)
        assert decided >= soonest, "a beat too early"
        if self.taking == 1 or not want["to_host"]:
            assert decided == soonest, "a beat too late"
        if want["to_host"]:
            assert int(at_decision["credit"]), "a word for the host without credit"
        assert int(after["reserve"]) == (want["to_host"] and want["tag"]["whole"])
        shifted = self._history[-2] if self.multicycle else at_decision
        assert int(shifted["shift"]), "a beat that is not shifted out"
        assert int(shifted["word_end"]) == want["tag"]["word_end"]
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
    await tb.until(lambda: tb.done)
    await tb.cycles(30)
    assert not (tb.tiles or tb.layers.queue)


@bench(20_000)
async def no_credit(dut):
    """Without credit what is stored is still drained; the first word for the host waits."""
    tb = DrainTB(dut, "no_credit", (0.2, 0.5))
    await tb.reset()
    tb.taking, tb.slots = 0, RESULTS_DEPTH - 2
    for emit in (0, 0, 1, 1):
        tb.add(emit=emit)
    await tb.until(lambda: tb.expected[0]["to_host"])
    await tb.cycles(60)
    tb.stalled = 0
    await tb.cycles(100)
    assert tb.stalled == 100 and tb.expected[0]["to_host"]
    tb.taking = 0.5
    await tb.until(lambda: tb.done)
    await tb.cycles(30)
    assert not (tb.tiles or tb.layers.queue)
