"""Sequencer: the walk through the descriptors, at most two layers in flight, hazards, faults."""

from collections import deque

from celosia.spec import DESCRIPTOR, PARTS, Op, legal
from celosia.spec.timing import READ_LATENCY
from celosia_hw.layouts import active_layer, hazard, run, struct
from tb.base import TB, bench_stalled
from tb.pack import pack, unpack
from tb.programs import raw


class SequencerTB(TB):
    """Plays receiver (runs), program memory, and the rest of the core (layers arriving)."""

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        config = self.config
        self.zero("word_done", "layer_done", "fault_taken")
        self.program = [self._descriptor() for _ in range(config.program_depth)]
        self.program[-1]["last"] = 0  # a program that runs past the end
        words = [pack(struct(DESCRIPTOR), raw(descriptor)) for descriptor in self.program]
        self.memory("program", lambda addr: words[addr] if addr < len(words) else None)
        self.runs = self.source("i", stall[0])
        self.layers = self.sink("o", stall[1])
        self.monitor("o", self._started)
        self.monitor("i", lambda payload: None)
        self.expected: deque[dict] = deque()  # layers to be started
        self.ends: deque[int | None] = deque()  # of each run: the address of its fault, if any
        self.in_flight: deque[dict] = deque()
        self.arriving = 0  # words of the older layer before the one of this cycle
        self.runs_done = self.hazards = self.faults = 0
        self.soonest = 1000  # cycles from one start to the next
        for part in (self._arrive, self._check, self._pace):
            self.start(part())

    def _descriptor(self) -> dict[str, int]:
        """Mostly legal; else one field makes it illegal."""
        rng, config = self.rng, self.config
        fields = DESCRIPTOR.fields[:-1] + PARTS[Op.DENSE].fields
        d = {field.name: int(rng.integers(field.max + 1)) for field in fields}
        last, tiles = int(rng.random() < 0.3), int(rng.integers(1, 4))
        low, high = sorted((d["clamp_min"], d["clamp_max"]))
        d |= {
            "op": Op.DENSE,
            "last": last,
            "emit": last or int(rng.integers(2)),
            "use_table": int(config.tables and rng.integers(2)),
            "table": int(rng.integers(max(config.tables, 1))),
            "src_words": max(d["src_words"], 1),
            "tiles": tiles,
            "dst": int(rng.integers(config.act_depth - tiles * config.words_per_tile)),
            "tail": int(rng.integers(1, config.lanes + 1)),
            "weight_stride": max(d["weight_stride"], 1),
            "clamp_min": low,
            "clamp_max": high,
        }
        if rng.random() < 0.15:
            wrong = [
                {"op": 0},
                {"op": 2},
                {"op": 9},
                {"src_words": 0},
                {"tiles": 0},
                {"weight_stride": 0},
                {"tail": 0},
                {"tail": config.lanes + 1},
                {"last": 1, "emit": 0},
                {"clamp_min": 200, "clamp_max": 199},
                {"use_table": 1, "table": config.tables} if config.tables < 16 else {"op": 3},
            ]
            d |= wrong[rng.integers(len(wrong))]
        return d

    def ask(self, entry: int) -> None:
        rng, config = self.rng, self.config
        values = {
            "entry": entry,
            "images": int(rng.integers(config.rows)),
            "skip": int(rng.integers(2)),
            "base": int(rng.integers(config.act_depth)),
        }
        self.runs.queue.append(pack(run(config), values))
        same = {name: values[name] for name in ("base", "images", "skip")}
        address, end = entry, None
        while True:
            if address == config.program_depth or not legal(self.program[address], config):
                end = address
                break
            self.expected.append({"descriptor": raw(self.program[address])} | same)
            if self.program[address]["last"]:
                break
            address += 1
        self.ends.append(end)

    def _started(self, payload: int) -> None:
        layer = unpack(active_layer(self.config), payload)
        assert self.expected, f"a layer of nothing: {layer}"
        want = self.expected.popleft()
        assert layer == want, f"{layer} is not {want}"
        d = layer["descriptor"]
        words = d["tiles"] * self.config.words_per_tile
        self.in_flight.append({"stored": 0, "words": words, "last": d["last"]})

    async def _arrive(self) -> None:
        """The words of the older layer arrive one after the other."""
        dut = self.dut
        while True:
            await self.cycle()
            dut.word_done.value = dut.layer_done.value = 0
            arriving = len(self.in_flight) and int(dut.in_flight.value)
            if not arriving or self.rng.random() < 0.6 or int(dut.layer_done.value):
                continue
            older = self.in_flight[0]
            self.arriving = older["stored"]
            dut.word_done.value = 1
            if older["stored"] == older["words"] - 1:
                dut.layer_done.value = 1
            await self.cycle()
            # The edge has taken it: from the next cycle on it is counted.
            dut.word_done.value = dut.layer_done.value = 0
            older["stored"] += 1
            if older["stored"] == older["words"]:
                self.in_flight.popleft()
                if older["last"]:
                    assert self.ends.popleft() is None
                    assert str(dut.run_done.value) == "1"

    async def _check(self) -> None:
        dut, layout = self.dut, hazard(self.config)
        while True:
            await self.cycle()
            if str(dut.rst.value) != "0":
                continue
            flying = int(dut.in_flight.value)
            assert flying <= 2
            self.runs_done += int(dut.run_done.value)
            values = unpack(layout, int(dut.hazard.value))
            assert values["active"] == (flying == 2)
            if flying == 2 and int(dut.word_done.value):
                # A word that arrives is not yet counted.
                want = self.arriving
                assert values["stored"] == want, f"{values['stored']} stored, not {want}"
                self.hazards += 1
            if int(dut.fault_taken.value):
                dut.fault_taken.value = 0
                self.ends.popleft()
                self.faults += 1
            elif int(dut.fault.value):
                assert flying == 0, "a fault before the layers have arrived"
                want, got = self.ends[0], int(dut.fault_addr.value)
                assert want == got, f"fault at {got}, expected {want}"
                dut.fault_taken.value = int(self.rng.random() < 0.3)

    async def _pace(self) -> None:
        """A descriptor is held after its start; the next start is that much later at least."""
        dut, layout = self.dut, active_layer(self.config)
        since, held = 1000, None
        while True:
            await self.cycle()
            if str(dut.rst.value) != "0":
                continue
            since += 1
            if since <= READ_LATENCY:
                got = unpack(layout, int(dut.o__payload.value))["descriptor"]
                assert got == held, f"{since} cycles after a start: {got} is not {held}"
            if str(dut.o__valid.value) == "1":
                assert since >= READ_LATENCY + 3
                if str(dut.o__ready.value) == "1":
                    self.soonest = min(self.soonest, since)
                    since, held = 0, unpack(layout, int(dut.o__payload.value))["descriptor"]


@bench_stalled(60_000)
async def against_model(dut, stall):
    """Runs from every entry: the legal layers in order, then the end or the fault."""
    tb = SequencerTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    entries = [int(entry) for entry in tb.rng.permutation(tb.config.program_depth)]
    for entry in entries:
        tb.ask(entry)
    await tb.until(lambda: not (tb.ends or tb.expected or tb.in_flight))
    await tb.cycles(20)
    assert tb.runs_done == len(entries)
    assert tb.faults and tb.hazards
    assert tb.soonest == READ_LATENCY + 3 or stall[1]
