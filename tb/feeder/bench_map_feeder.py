"""Feeder of layers on maps: layers and masks in, one k a cycle and the rows' origins out."""

from celosia.spec import Op
from celosia_hw.layouts import hazard, issue, origins
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import pack, unpack
from tb.windows import layer, origins_of, packed, steps

_PLACE = ("offset", "dy", "dx")


def issues(values: dict, masks: dict[int, int], config) -> tuple[list[dict], int]:
    """What is issued for a layer, and how many k are skipped.

    Each issue also has the ``pixel`` it belongs to and what its step ``need``s.
    """
    issued, skipped, pixel, wanted = [], 0, 0, []
    for step in steps(values, config):
        mask = 0 if step["drop"] else masks[step["src"]] if step["skip"] else ~0
        found = []
        for byte in range(config.lanes):
            k = {name: step[name] for name in _PLACE} | {"pixel": pixel, "need": step["need"]}
            k["offset"] = (k["offset"] + byte) % (1 << 16)
            k["weights"] = (step["weights"] + byte) % (1 << len_of_weights(config))
            found.append(k | {"last": 0, "step_end": 0})
        bytes_ = [byte for byte in range(config.lanes) if step["bytes"] >> byte & 1]
        kept = [byte for byte in bytes_ if mask >> byte & 1]
        wanted += [found[byte] for byte in kept]
        skipped += len(bytes_) - len(kept)
        if step["last"]:
            # Byte 0 of the last word is issued of a tile that is all 0.
            wanted = wanted or [found[0]]
            wanted[-1] |= {"last": 1, "step_end": step["step_end"]}
            issued += wanted
            wanted = []
        pixel += step["step_end"]
    return issued, skipped


def len_of_weights(config) -> int:
    return (config.weight_depth - 1).bit_length()


class MapFeederTB(TB):
    """Plays sequencer (layers and hazards), mask memory and drain."""

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        config = self.config
        ones = (1 << config.lanes) - 1
        self.masks = {
            word: int(self.rng.choice([0, 0, ones, self.rng.integers(ones + 1)]))
            for word in range(1 << (config.act_depth - 1).bit_length())
        }
        self.expected: list[dict] = []
        self.skipped = self.expected_skipped = self.claims = self.data_waits = 0
        self.hazard: dict | None = None  # of the newest layer
        self.newest: dict = {}
        self.zero("i__valid", "i__payload", "hazard", "drain_free")
        self.memory("masks", self.masks.get)
        self.monitor("o", self._issued)
        self.start(self._observe())

    async def run(self, values: dict, stored: list[int]) -> None:
        """Hand over a layer; while it runs, so many results of the layer before are stored, in
        steps, and then that layer has arrived."""
        dut, config = self.dut, self.config
        dut.i__payload.value = packed(values, config)
        dut.i__valid.value = 1
        await self.cycle()
        while str(dut.i__ready.value) != "1":
            await self.cycle()
        dut.i__valid.value = 0
        issued, skipped = issues(values, self.masks, config)
        rows = origins_of(values, config)
        self.newest = values
        self.expected += [k | {"of": values, "rows": rows[k["pixel"]]} for k in issued]
        self.expected_skipped += skipped
        self._set_hazard({"active": 1, "stored": 0} if stored else None)
        await self.cycle()
        self.noise("i__payload")
        for count in stored:
            await self.cycles(int(self.rng.integers(1, 30)))
            self._set_hazard({"active": 1, "stored": count})
        if stored:
            await self.cycles(int(self.rng.integers(1, 30)))
        self._set_hazard(None)

    def _set_hazard(self, values: dict | None) -> None:
        self.hazard = values
        self.dut.hazard.value = pack(hazard(self.config), values or {"active": 0, "stored": 0})

    def _issued(self, payload: int) -> None:
        got = unpack(issue(self.config), payload)
        assert self.expected, f"an issue of nothing: {got}"
        want = self.expected.pop(0)
        assert got == {name: want[name] for name in got}, f"{got} is not {want}"
        values = want["of"]
        if self.hazard and values is self.newest:
            assert want["need"] <= self.hazard["stored"], f"{want} was not there yet"
        now = unpack(origins(self.config), int(str(self.dut.origins.value).replace("x", "0"), 2))
        for row, (y, x, address) in enumerate(want["rows"]):
            assert now["rows"][row] == {"y": y, "x": x, "address": address}, (row, want)
        for name in ("height", "width", "outside"):
            assert now[name] == values[name]
        if self.config.depthwise:
            assert now["depthwise"] == (values["op"] == Op.DEPTHWISE)

    async def _observe(self) -> None:
        """The last issue of a tile follows its claim by a cycle, and the drain was free."""
        dut, claimed = self.dut, 0
        while True:
            await self.cycle()
            if str(dut.rst.value) != "0":
                continue
            layout = issue(self.config)
            ends = int(dut.o__valid.value) and unpack(layout, int(dut.o__payload.value))["last"]
            assert ends == claimed, "a tile's end is claimed one cycle before"
            claimed = int(dut.claim.value)
            assert int(dut.drain_free.value) or not claimed, "claimed without a free drain"
            self.claims += claimed
            self.skipped += int(dut.skipped.value)
            self.data_waits += int(dut.stall_data.value)
            dut.drain_free.value = int(self.rng.random() >= self.stall[1])


@bench_stalled(60_000)
async def against_loops(dut, stall):
    """Layers back to back issue what the loops do, whatever waits."""
    tb = MapFeederTB(dut, f"against_loops{stall}", stall)
    await tb.reset()
    tiles = 0
    for index in range(settings.amount(60)):
        values = layer(tb.rng, tb.config)
        stored = []
        if index % 4 == 0:
            # So that even a quick run waits.
            values |= {"waits": 1, "wait": 3}
            stored = sorted(int(n) for n in tb.rng.choice([1, 3, 4, 5, 9, 70_000], 3))
        elif index % 4 == 2:
            # Words of zeros, the last ones of tiles among them.
            values |= {"op": Op.CONVOLUTION, "skip": 1, "run_skip": 1, "tap_words": 3}
            values |= {"height": 511, "width": 511}
        elif index % 4 == 3:
            # Taps outside of the map, where 0 is read, are left out.
            values |= {"op": Op.CONVOLUTION, "skip": 1, "run_skip": 1, "tap_words": 2}
            values |= {"height": 1, "width": 1, "outside": 0}
        tiles += values["tiles"] * values["steps"]
        await tb.run(values, stored)
        await tb.cycles(int(tb.rng.integers(20) * (tb.rng.random() < stall[0])))
    await tb.until(lambda: not tb.expected)
    await tb.cycles(20)
    assert tb.claims == tiles
    assert tb.skipped == tb.expected_skipped
    assert tb.data_waits > 0
