"""Feeder: layers and masks in, one k a cycle out; the guard and the drain make it wait."""

from collections import deque

from celosia.spec import Op
from celosia.spec.timing import READ_LATENCY
from celosia_hw.layouts import active_layer, guard, issue
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
    """Plays sequencer (layers and guard), mask memory and drain."""

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        config = self.config
        self.masks = {word: self._mask() for word in range(config.act_depth)}
        self.expected: list[dict] = []
        self.skipped = self.expected_skipped = self.claims = self.guarded_cycles = 0
        self.drain_waits = 0
        self.layers = active_layer(config)
        for signal in ("i__valid", "i__payload", "mask_data", "guard", "drain_free"):
            getattr(dut, signal).value = 0
        self.start(self._memory())
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
        }
        base = int(rng.integers(config.act_depth // 2))
        return {"descriptor": descriptor, "base": base, "skip": int(rng.random() < 0.8)}

    async def run(self, layer: dict, guarded: range) -> None:
        """Hand over ``layer``; the words ``guarded`` are written while it runs."""
        dut, final = self.dut, {word: self._mask() for word in guarded}
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
        dut.i__payload.value = int.from_bytes(self.rng.bytes(8), "little")
        while guarded:
            self._set_guard(guarded)
            await self.cycles(int(self.rng.integers(1, 9)))
            self.masks[guarded[0]] = final[guarded[0]]
            guarded = guarded[1:]
        self._set_guard(guarded)

    def _set_guard(self, words: range) -> None:
        values = {"active": int(bool(words)), "start": words.start, "end": words.stop}
        self.dut.guard.value = pack(guard(self.config), values)

    async def _memory(self) -> None:
        """The mask of each address, `READ_LATENCY` cycles later; anything while it is guarded."""
        dut, coming = self.dut, deque([0] * (READ_LATENCY - 1))
        while True:
            await self.cycle()
            address = str(dut.mask_addr.value)
            mask = int(self.rng.integers(1 << self.config.lanes))
            if set(address) <= {"0", "1"}:
                word = int(address, 2)
                now = unpack(guard(self.config), int(dut.guard.value))
                if not (now["active"] and now["start"] <= word < now["end"]):
                    mask = self.masks.get(word, mask)
            coming.append(mask)
            dut.mask_data.value = coming.popleft()

    async def _observe(self) -> None:
        dut, layout = self.dut, issue(self.config)
        claimed = 0
        while True:
            await self.cycle()
            if str(dut.rst.value) != "0":
                continue
            free, en = int(dut.drain_free.value), int(dut.o_en.value)
            self.skipped += int(dut.skipped.value)
            self.guarded_cycles += int(dut.stalled.value) & 1
            self.drain_waits += int(dut.stalled.value) >> 1
            if en:
                got = unpack(layout, int(dut.o.value))
                assert self.expected, f"an issue of nothing: {got}"
                want = self.expected.pop(0)
                assert got == want, f"{got} is not {want}"
                assert got["last"] == claimed, "a tile's end is claimed one cycle before"
            else:
                assert not claimed
            claimed = int(dut.claim.value)
            assert free or not claimed, "claimed without a free drain"
            self.claims += claimed
            dut.drain_free.value = int(self.rng.random() >= self.stall[1])


@bench_stalled(20_000)
async def against_model(dut, stall):
    """Layers back to back issue what the model does, whatever waits."""
    tb = FeederTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    tiles = 0
    for _ in range(settings.amount(60)):
        layer = tb.layer()
        d = layer["descriptor"]
        first = d["src"] + (layer["base"] if d["from_input"] else 0)
        guarded = range(0)
        if tb.rng.random() < 0.4:
            start = max(0, first + int(tb.rng.integers(-2, d["src_words"])))
            guarded = range(start, start + int(tb.rng.integers(1, 5)))
        tiles += d["tiles"]
        await tb.run(layer, guarded)
        await tb.cycles(int(tb.rng.integers(20) * (tb.rng.random() < stall[0])))
    await tb.until(lambda: not tb.expected)
    await tb.cycles(20)
    assert tb.claims == tiles
    assert tb.skipped == tb.expected_skipped
    assert tb.guarded_cycles > 0
    assert bool(tb.drain_waits) == bool(stall[1])
