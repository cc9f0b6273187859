"""Array and drain: tiles of products in, their sums with parameters and places out."""

from collections import deque
from itertools import product

import numpy as np

from celosia.model import accumulate
from celosia.spec import DESCRIPTOR, WEIGHT
from celosia.spec.timing import OPERAND_LATENCY, READ_LATENCY, RESULTS_DEPTH
from celosia_hw.layouts import active_layer, element, finish, parameter_word
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import bits, pack, unpack


class ArrayTB(TB):
    """Plays feeder, sequencer, parameter memory and result queue."""

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        config = self.config
        self.params = [
            int.from_bytes(self.rng.bytes(9 * config.requantizers), "little")
            % (1 << parameter_word(config).size)
            for _ in range(config.param_depth)
        ]
        self.layers: deque[dict] = deque()
        self.operands: deque[dict] = deque()  # one k each, the claim in its own cycle
        self.expected: deque[dict] = deque()
        self.waiting = self.most_waiting = self.stalled = 0
        self.blocked = False
        for signal in ("u", "w", "en", "last", "i__valid", "i__payload", "claim"):
            getattr(dut, signal).value = 0
        for signal in ("param_data", "layer_done", "result_taken"):
            getattr(dut, signal).value = 0
        for part in (self._feed, self._offer, self._parameters, self._observe):
            self.start(part())

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
        self.layers.append({"descriptor": d, "images": images})
        steady = {name: d[name] for name, _ in finish()}
        for tile in range(tiles):
            k = int(rng.choice([1, 2, rng.integers(1, 30)]))
            u = rng.integers(0, 256, (config.rows, k)).astype(np.uint8)
            w = rng.integers(-128, 128, (k, config.cols)).astype(WEIGHT.dtype)
            if rng.random() < 0.2:
                u[:], w[:] = 255, -128
            for index in range(k):
                ends = {"last": int(index == k - 1)}
                self.operands.append({"u": bits(u[:, index], 8), "w": bits(w[index], 8)} | ends)
            sums = accumulate(u, w)
            for word in range(words):
                for row, beat in product(range(config.rows), range(config.beats)):
                    whole = beat == config.beats - 1
                    last_word = tile == tiles - 1 and word == words - 1
                    place = {
                        "whole": int(whole),
                        "row": row,
                        "active": int(row <= images),
                        "dst": d["dst"] + tile * words + word,
                        "word_end": int(whole and row == config.rows - 1),
                        "frame_end": int(d["last"] and last_word and whole and row == images),
                        "layer_end": int(last_word and whole and row == config.rows - 1),
                    }
                    index = word * config.beats + beat
                    start = index * config.requantizers
                    part = sums[row, start : start + config.requantizers]
                    parameters = self.params[d["params"] + tile * config.params_per_tile + index]
                    self.expected.append(
                        {
                            "o": place,
                            "acc": bits(part, 32),
                            "parameters": parameters,
                            "finish": steady,
                        }
                    )

    async def _feed(self) -> None:
        dut, free = self.dut, False
        # An issue is decided so many cycles before its operands are there.
        pipeline: deque[dict | None] = deque([None] * (1 + OPERAND_LATENCY))
        while True:
            await self.cycle()
            # Once free, it stays so until the claim.
            free = str(dut.free.value) == "1" and str(dut.claim.value) == "0"
            chosen = None
            if str(dut.rst.value) == "0" and self.operands and self.rng.random() >= self.stall[0]:
                if free or not self.operands[0]["last"]:
                    chosen = self.operands.popleft()
            dut.claim.value = int(bool(chosen and chosen["last"]))
            pipeline.append(chosen)
            now = pipeline.popleft()
            dut.en.value = int(now is not None)
            for name in ("u", "w", "last"):
                # Without `en` the operands mean nothing.
                width = len(getattr(dut, name))
                garbage = int.from_bytes(self.rng.bytes(256), "little") % (1 << width)
                getattr(dut, name).value = now[name] if now else garbage

    async def _offer(self) -> None:
        dut, layout, offered = self.dut, active_layer(self.config), None
        while True:
            await self.cycle()
            if str(dut.rst.value) != "0":
                continue
            if offered and str(dut.i__ready.value) == "1":
                offered = None
            if not offered and self.layers and self.rng.random() >= self.stall[0]:
                offered = self.layers.popleft()
                dut.i__payload.value = pack(layout, offered)
            dut.i__valid.value = int(offered is not None)

    async def _parameters(self) -> None:
        """The word of each address, `READ_LATENCY` cycles later."""
        coming = deque([0] * (READ_LATENCY - 1))
        while True:
            await self.cycle()
            address = str(self.dut.param_addr.value)
            # Past the end only where the next layer will be somewhere else.
            word = int(address, 2) if set(address) <= {"0", "1"} else len(self.params)
            coming.append(self.params[word] if word < len(self.params) else 0)
            self.dut.param_data.value = coming.popleft()

    async def _observe(self) -> None:
        dut, ended = self.dut, 0
        o_layout, finish_layout = element(self.config), finish()
        while True:
            await self.cycle()
            if str(dut.rst.value) != "0":
                continue
            taken = int(dut.result_taken.value)
            self.waiting -= taken
            dut.layer_done.value = int(ended == 1)
            ended = max(0, ended - 1)
            if str(dut.o_en.value) == "1":
                got = {
                    "o": unpack(o_layout, int(dut.o.value)),
                    "acc": int(dut.acc.value),
                    "parameters": int(dut.parameters.value),
                    "finish": unpack(finish_layout, int(dut.finish.value)),
                }
                assert self.expected, f"an element of nothing: {got}"
                want = self.expected.popleft()
                assert got == want, f"{got} is not {want}"
                assert not ended, "an element before the layer before has arrived"
                if want["o"]["layer_end"]:
                    ended = int(self.rng.integers(1, 15))
                to_host = want["o"]["active"] and want["finish"]["emit"]
                self.waiting += to_host and want["o"]["whole"]
            self.most_waiting = max(self.most_waiting, self.waiting)
            assert self.waiting <= RESULTS_DEPTH, "more results than slots"
            self.stalled += int(dut.stalled.value)
            take = self.waiting > 0 and not self.blocked and self.rng.random() >= self.stall[1]
            dut.result_taken.value = int(take)


@bench_stalled(30_000)
async def against_model(dut, stall):
    """Every element once, in order, with its sums, parameters, place and finish."""
    tb = ArrayTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    for _ in range(settings.amount(20)):
        tb.add()
    await tb.until(lambda: not tb.expected)
    await tb.cycles(30)
    assert not tb.operands and not tb.layers


@bench_stalled(30_000)
async def blocked(dut, stall):
    """With no result taken the drain fills its slots but for two, stops, and loses nothing."""
    tb = ArrayTB(dut, f"blocked{stall}", stall)
    await tb.reset()
    while len(tb.expected) < 8 * RESULTS_DEPTH:
        tb.add(emit=1)
    tb.blocked = True
    await tb.until(lambda: tb.most_waiting >= RESULTS_DEPTH - 2)
    await tb.cycles(200)
    assert tb.stalled > 100
    tb.blocked = False
    await tb.until(lambda: not tb.expected)
    await tb.cycles(30)
    assert not tb.operands and not tb.layers
