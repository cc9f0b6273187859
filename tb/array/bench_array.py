"""Array: tiles of operands in, and beat by beat their sums out."""

from collections import deque
from dataclasses import dataclass, field
from itertools import product

from celosia.model import accumulate
from celosia.spec import ACC, ACTIVATION, WEIGHT
from celosia.spec.timing import PRODUCT_LATENCY
from celosia_hw.array.held import Held
from celosia_hw.array.mac_array import MacArray
from celosia_hw.layouts import operands
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import bits, noise, pack


@dataclass
class Captured:
    """A tile that is shifted out: its beats, the first one meant from cycle ``valid_from`` on."""

    beats: list[int]
    rows: int  # those that are shifted out
    valid_from: int
    late: int  # cycles by which the head is later than what is meant
    shifts: list[int] = field(default_factory=list)  # cycles in which ``shift`` was 1

    def moved(self, time: int) -> int:
        """Beats that have left by cycle ``time``."""
        return sum(shift + 2 + self.late <= time for shift in self.shifts)


class ArrayTB(TB):
    """Plays operand stage and drain, cycle by cycle."""

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.stall = stall
        # Multicycle requantizers make it a cycle more.
        multicycle = self.config.requantizer_cycles > 1
        self.latency, self.late = MacArray.latency + multicycle, 0 if multicycle else Held.latency
        self.zero("i__valid", "i__payload", "shift", "word_end")

    def tile(self) -> tuple[list[int], list[int], int]:
        """(operands of a random tile, beats of some of its rows, the number of these)."""
        rng, config, layout = self.rng, self.config, operands(self.config)
        k = int(rng.choice([1, 2, rng.integers(1, 30)]))
        u = rng.integers(0, 256, (config.rows, k)).astype(ACTIVATION.dtype)
        w = rng.integers(-128, 128, (k, config.cols)).astype(WEIGHT.dtype)
        if rng.random() < 0.2:
            u[:], w[:] = 255, -128
        steps = [
            pack(layout, {"u": u[:, n].tolist(), "w": w[n].tolist(), "last": int(n == k - 1)})
            for n in range(k)
        ]
        # [row, word, beat, channel]: words slowest, then rows.
        shape = (config.rows, config.words_per_tile, config.beats, config.requantizers)
        sums = accumulate(u, w).reshape(shape)
        rows = int(rng.integers(1, shape[0] + 1))
        order = product(range(shape[1]), range(rows), range(shape[2]))
        return steps, [bits(sums[row, word, beat], ACC.width) for word, row, beat in order], rows

    async def add_noise(self, cycles: int) -> None:
        """Operands of a tile that never ends."""
        width = operands(self.config)["last"].offset
        for _ in range(cycles):
            self.dut.i__payload.value = noise(self.rng, width)
            self.dut.i__valid.value = 1
            await self.cycle()
        self.dut.i__valid.value = 0

    async def run(self, tiles: list[tuple[list[int], list[int], int]]) -> None:
        """Feed ``tiles`` and shift each out; check ``capturing`` and ``head`` in every cycle."""
        dut, rng = self.dut, self.rng
        steps = deque(
            (step, (beats, rows) if n == len(tile) - 1 else None)
            for tile, beats, rows in tiles
            for n, step in enumerate(tile)
        )
        captured: list[Captured] = []  # the latest two
        time = capturing = 0
        while steps or any(tile.moved(time) < len(tile.beats) for tile in captured):
            await self.cycle()
            time += 1
            assert int(dut.capturing.value) == (time == capturing)
            for tile in captured:
                moved = tile.moved(time)
                if time >= tile.valid_from + tile.late and moved < len(tile.beats):
                    want, got = tile.beats[moved], int(dut.head.value)
                    assert got == want, f"beat {moved}: {got:#x} is not {want:#x}"
            # The next cycle. A beat is at the head in the cycle after its shift.
            left = captured and len(captured[-1].shifts) < len(captured[-1].beats)
            shift = left and time + 2 >= captured[-1].valid_from and rng.random() >= self.stall[1]
            dut.shift.value = int(bool(shift))
            self.noise("word_end")
            if shift:
                captured[-1].shifts.append(time + 1)
                of_word = captured[-1].rows * self.config.beats
                dut.word_end.value = int(len(captured[-1].shifts) % of_word == 0)
            self.noise("i__payload")
            fed = steps and not (steps[0][1] and left) and rng.random() >= self.stall[0]
            dut.i__valid.value = int(bool(fed))
            if fed:
                dut.i__payload.value, drained = steps.popleft()
                if drained:
                    capturing = time + 1 + PRODUCT_LATENCY - 1
                    valid_from = time + 1 + self.latency
                    captured = [*captured[-1:], Captured(*drained, valid_from, self.late)]


@bench_stalled(30_000)
async def against_model(dut, stall):
    """The model's sums of every tile, in order and in time, tiles back to back."""
    tb = ArrayTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    # Sums start from 0 after a reset, whatever was added before it.
    await tb.add_noise(6)
    await tb.reset_again()
    await tb.run([tb.tile() for _ in range(settings.amount(60))])
