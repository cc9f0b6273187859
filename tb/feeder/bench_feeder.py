"""Feeder: layers and masks in, one k a cycle out; hazards and the drain make it wait."""

from celosia.spec import Op
from celosia_hw.layouts import active_layer, hazard, issue
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import pack, unpack
from tb.programs import raw


def issues(layer: dict, masks: dict[int, int], lanes: int) -> tuple[list[dict], int]:
    """What the model issues for ``layer``, and how many k it skips."""
    d = layer["descriptor"]
    first = d["src"] + (layer["base"] if d["from_input"] else 0)
    issued, skipped = [], 0
    for tile in range(d["tiles"]):
        wanted = []
        for j in range(d["src_words"]):
            count = d["tail"] if j == d["src_words"] - 1 else lanes
            for byte in range(count):
                k = {"src": first + j, "byte": byte}
                k["weights"] = d["weights"] + tile * d["weight_stride"] + j * lanes + byte
                if masks[first + j] >> byte & 1 or not layer["skip"]:
                    wanted.append(k)
                else:
                    skipped += 1
        if not wanted:
            # Byte 0 of the last word stands for a tile that is all 0.
            j = d["src_words"] - 1
            weights = d["weights"] + tile * d["weight_stride"] + j * lanes
            wanted = [{"src": first + j, "byte": 0, "weights": weights}]
        for k in wanted:
            issued.append(k | {"last": int(k is wanted[-1])})
    return issued, skipped


class FeederTB(TB):
    """Plays sequencer (layers and hazards), mask memory and drain."""

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        config = self.config
        self.masks = {word: self._mask() for word in range(config.act_depth)}
        self._unknown: set[int] = set()  # words that the layer before has still to write
        self.expected: list[dict] = []
        self.skipped = self.expected_skipped = self.claims = 0
        self.data_waits = self.drain_waits = 0
        self.layers = active_layer(config)
        self.zero("i__valid", "i__payload", "hazard", "drain_free")
        self.memory("masks", self._mask_at)
        self.monitor("o", self._issued)
        self.start(self._observe())

    def _mask(self) -> int:
        """Empty, full or random."""
        ones = (1 << self.config.lanes) - 1
        return int(self.rng.choice([0, 0, ones, self.rng.integers(ones + 1)]))

    def layer(self) -> dict:
        rng, config = self.rng, self.config
        words = int(rng.integers(1, 7))
        descriptor = {
            "op": Op.DENSE,
            "from_input": int(rng.integers(2)),
            "src_words": words,
            "tail": int(rng.integers(1, config.lanes + 1)),
            "tiles": int(rng.integers(1, 4)),
            "src": int(rng.integers(config.act_depth // 2 - words)),
            "weights": int(rng.integers(config.weight_depth // 2)),
            "weight_stride": int(rng.integers(1, 40)),
            "waits": int(rng.integers(2)),
        }
        base = int(rng.integers(config.act_depth // 2))
        return {"descriptor": descriptor, "base": base, "skip": int(rng.random() < 0.8)}

    async def run(self, layer: dict, results: int) -> None:
        """Hand over ``layer``; so many results of the layer before arrive while it runs.

        If it waits, they are its input's first words, which are undefined until then.
        """
        d = layer["descriptor"]
        first = d["src"] + (layer["base"] if d["from_input"] else 0)
        dut, final = self.dut, {}
        if d["waits"]:
            words = range(first, min(first + results, self.config.act_depth))
            final = {word: self._mask() for word in words}
        issued, skipped = issues(layer, self.masks | final, self.config.lanes)
        self.expected += issued
        self.expected_skipped += skipped
        packed = layer | {"descriptor": raw(layer["descriptor"])}
        dut.i__payload.value = pack(self.layers, packed)
        dut.i__valid.value = 1
        await self.cycle()
        while str(dut.i__ready.value) != "1":
            await self.cycle()
        dut.i__valid.value = 0
        await self.cycle()
        self.noise("i__payload")
        self._unknown = set(final)
        for stored in range(results):
            self._set_hazard(1, stored)
            await self.cycles(int(self.rng.integers(1, 9)))
            if first + stored in final:
                self.masks[first + stored] = final[first + stored]
                self._unknown.discard(first + stored)
        self._set_hazard(0, int(self.rng.integers(self.config.act_depth)))

    def _set_hazard(self, active: int, stored: int) -> None:
        self.dut.hazard.value = pack(hazard(self.config), {"active": active, "stored": stored})

    def _mask_at(self, word: int) -> int | None:
        """Undefined until the word has arrived."""
        return None if word in self._unknown else self.masks.get(word)

    def _issued(self, payload: int) -> None:
        got = unpack(issue(self.config), payload)
        assert self.expected, f"an issue of nothing: {got}"
        want = self.expected.pop(0)
        assert got == want, f"{got} is not {want}"

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
            self.drain_waits += int(dut.stall_drain.value)
            dut.drain_free.value = int(self.rng.random() >= self.stall[1])


@bench_stalled(20_000)
async def against_model(dut, stall):
    """Layers back to back issue what the model does, whatever waits."""
    tb = FeederTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    tiles = 0
    for index in range(settings.amount(60)):
        layer = tb.layer()
        d = layer["descriptor"]
        results = 0
        if index % 4 == 0:
            # The whole input is still being written, so that even a quick run waits for it.
            d["waits"], results = 1, d["src_words"] + 4
        elif tb.rng.random() < 0.4:
            results = int(tb.rng.integers(1, d["src_words"] + 5))
        tiles += d["tiles"]
        await tb.run(layer, results)
        await tb.cycles(int(tb.rng.integers(20) * (tb.rng.random() < stall[0])))
    await tb.until(lambda: not tb.expected)
    await tb.cycles(20)
    assert tb.claims == tiles
    assert tb.skipped == tb.expected_skipped
    assert tb.data_waits > 0
    assert bool(tb.drain_waits) == bool(stall[1])
