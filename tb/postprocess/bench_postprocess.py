"""Postprocessing: requantized, looked up, and beside its tag, in time."""

import numpy as np

from celosia.model import apply_table, requantize
from celosia.spec import ACTIVATION
from celosia_hw import layouts
from celosia_hw.postprocess.postprocess import Postprocess
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import noise, pack

from .vectors import as_beat, vectors


class PostprocessTB(TB):
    """Plays drain and element tables.

    Attributes
    ----------
    tables : uint8 [tables, 256].
    both : settings of the latest layer of either parity.
    arrivals : cycle -> (packed result, whether it completes a word to store) of beats on their way.
    """

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        config = self.config
        self.latency = Postprocess(config).latency
        self.tables = self.rng.integers(0, 256, (config.tables, 256)).astype(ACTIVATION.dtype)
        self.arrivals: dict[int, tuple[int, int]] = {}
        self.time = 0
        for lane in range(config.requantizers if config.tables else 0):
            # An index past the last table is of no meaning.
            self.memory(f"tables__{lane}", lambda n: int(self.tables.flat[n]))
        self.both = [self.settings(), self.settings()]
        self.zero("i__valid", "i__payload")
        self._hold()

    def settings(self) -> dict[str, int]:
        rng, config = self.rng, self.config
        low, high = sorted(int(x) for x in rng.integers(0, 256, 2))
        return {
            "rounding": int(rng.integers(2)),
            "zero_point": int(rng.integers(256)),
            "clamp_min": low // 2,
            "clamp_max": 255 - (255 - high) // 2,
            "use_table": int(config.tables > 0 and rng.integers(2)),
            "table": int(rng.integers(max(config.tables, 1))),
            # What does not concern the block.
            **{name: int(rng.integers(2)) for name in ("store", "emit", "last")},
        }

    def _hold(self) -> None:
        for pin, values in zip(("settings__0", "settings__1"), self.both, strict=True):
            getattr(self.dut, pin).value = pack(layouts.settings(), values)

    def _results(self, data: np.ndarray, values: dict[str, int]) -> np.ndarray:
        names = ("zero_point", "clamp_min", "clamp_max", "rounding")
        results = requantize(*data, *(values[name] for name in names))
        return (
            apply_table(results, self.tables[values["table"]]) if values["use_table"] else results
        )

    async def layers(self, beats: int) -> None:
        """So many beats of two layers, in any order; returns after the last result."""
        dut, config, rng = self.dut, self.config, self.rng
        self.both = [self.settings(), self.settings()]
        self._hold()
        data = vectors(rng)
        data = data[:, rng.permutation(data.shape[1])[: beats * config.requantizers]]
        both = [self._results(data, values) for values in self.both]
        layout, pace = layouts.drained(config), config.requantizer_cycles
        held = layout["tag"], layout["parameters"]
        sent, rest, packed = 0, 0, 0
        while sent < beats or self.arrivals:
            part = slice(sent * config.requantizers, (sent + 1) * config.requantizers)
            valid = sent < beats and not rest and rng.random() >= self.stall[0]
            rest = pace - 1 if valid else max(rest - 1, 0)
            payload = noise(rng, layout.size)
            if valid:
                tag = {name: noise(rng, field.width) for name, field in layouts.tag(config)}
                results = both[tag["parity"]]
                packed = payload = pack(layout, as_beat(*data[:, part]) | {"tag": tag})
                finished = {"tag": tag, "data": [int(byte) for byte in results[part]]}
                want = pack(layouts.finished(config), finished)
                stored = tag["whole"] and self.both[tag["parity"]]["store"]
                self.arrivals[self.time + 1 + self.latency] = want, stored
                sent += 1
            elif pace > 1 and self.arrivals:
                mask = sum((1 << field.width) - 1 << field.offset for field in held)
                payload = payload & ~mask | packed & mask
            dut.i__valid.value, dut.i__payload.value = int(valid), payload
            await self.cycle()
            self.time += 1
            self._check()

    def _check(self) -> None:
        dut = self.dut
        _, store_next = self.arrivals.get(self.time + 1, (0, 0))
        assert int(dut.store_next.value) == store_next
        assert int(dut.o__valid.value) == (self.time in self.arrivals)
        if self.time in self.arrivals:
            got, (want, _) = int(dut.o__payload.value), self.arrivals.pop(self.time)
            assert got == want, f"{got:#x} is not {want:#x}"


@bench_stalled(40_000)
async def against_model(dut, stall):
    """The model's bytes with their tags, `latency` cycles after the sums."""
    tb = PostprocessTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    pace = tb.config.requantizer_cycles
    for _ in range(settings.amount(24)):
        await tb.layers(40 if pace == 1 else 8)
