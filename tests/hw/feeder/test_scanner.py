"""Scanner: a segment for each word with bytes to multiply, in time; hazards make it wait."""

from collections import deque
from collections.abc import Callable

import pytest
from amaranth import *
from tests.helpers.dense_layers import SMALL, layer, packed, segments, steps
from tests.helpers.sim import STALLS, Sink, Source, run

from celosia.spec.timing import READ_LATENCY, SEGMENT_DEPTH
from celosia_hw.feeder.scanner import Scanner
from celosia_hw.layouts import segment

#: From a layer taken to its first step, and from a step to its segment.
TO_STEP, TO_SEGMENT = 3, 1 + READ_LATENCY


class Player:
    """Plays sequencer, mask memory and walker, a cycle at a time.

    Attributes
    ----------
    taken, valid : cycles in which layers were taken, and in which segments were transferred.
    stored : words of the older of two layers in flight that have arrived; None without one.
    masks : of every word.
    """

    def __init__(self, dut, rng, layers: list[dict[str, int]], stall=(0.0, 0.0)):
        self.dut, self._rng = dut, rng
        self.masks = [rng.choice([0, 0, 7, rng.randrange(8)]) for _ in range(SMALL.act_depth)]
        self.source = Source(dut.i, [packed(values) for values in layers], rng, stall[0])
        self.sink = Sink(dut.o, rng, stall[1])
        self.stored: int | None = None
        self.time = self.skipped = self.stalled = 0
        self.taken: list[int] = []
        self.valid: list[int] = []
        self._reads: deque[int] = deque([0] * READ_LATENCY)
        self._held = 0  # the descriptor of a layer is held for a cycle more

    async def cycle(self, ctx) -> None:
        dut, stored = self.dut, self.stored
        if not self._held:
            self.source.drive(ctx)
        self._held = 0
        self.sink.drive(ctx)
        # What is stored does not matter without two layers in flight.
        counted = self._rng.randrange(60) if stored is None else stored
        ctx.set(dut.hazard, {"active": stored is not None, "stored": counted})
        ctx.set(dut.masks.data, self._reads.popleft())
        if self.source.sample(ctx):
            self.taken.append(self.time)
            self._held = 1
        if self.sink.sample(ctx):
            self.valid.append(self.time)
        self.skipped += ctx.get(dut.skipped)
        self.stalled += ctx.get(dut.stalled)
        word = ctx.get(dut.masks.addr)
        defined = word < SMALL.act_depth
        self._reads.append(self.masks[word] if defined else self._rng.randrange(8))
        self.time += 1
        await ctx.tick()
        if self._held:
            ctx.set(dut.i.valid, 0)

    async def until(self, ctx, condition: Callable[[], bool]) -> None:
        while not condition():
            await self.cycle(ctx)


def expected(layers: list[dict[str, int]], masks: list[int]) -> tuple[list[int], int]:
    """(packed segments, bytes that are skipped) of ``layers``."""
    found, skipped = [], 0
    for index, values in enumerate(layers):
        walk = steps(values)
        all_of_them = segments(walk, masks, index % 2)
        skipped += sum(
            (step["bytes"] ^ one["mask"]).bit_count()
            for step, one in zip(walk, all_of_them, strict=True)
        )
        found += [one for one in all_of_them if one["mask"] or one["last"]]
    return [segment(SMALL).const(one).as_bits() for one in found], skipped


@pytest.mark.parametrize("stall", STALLS)
def test_against_model(stall):
    """Results arrive while the layers that read them are walked."""
    dut = Scanner(SMALL)

    async def bench(ctx, rng):
        layers = [layer(rng) for _ in range(25)]
        player = Player(dut, rng, layers, stall)
        want, skipped = expected(layers, player.masks)
        player.stored = 0
        while len(player.sink.taken) < len(want):
            await player.cycle(ctx)
            if rng.random() < 0.05:
                # The older layer has arrived, or another one is the older one.
                player.stored = rng.choice([None, 0, (player.stored or 0) + 1])
        for _ in range(READ_LATENCY + 10):
            await player.cycle(ctx)
        assert player.sink.taken == want
        assert player.skipped == skipped and player.stalled

    run(dut, bench)


def test_timing():
    """A step per cycle, two layers as soon as they may."""
    dut = Scanner(SMALL)

    async def bench(ctx, rng):
        layers = [layer(rng, skip=0) for _ in range(6)]
        player = Player(dut, rng, layers)
        count = sum(len(steps(values)) for values in layers)
        await player.until(ctx, lambda: len(player.valid) == count)
        made = iter(player.valid)
        last_step = None
        for values, taken in zip(layers, player.taken, strict=True):
            assert last_step is None or taken == last_step + 2
            for n in range(len(steps(values))):
                last_step = taken + TO_STEP + n
                assert next(made) == last_step + TO_SEGMENT

    run(dut, bench)


@pytest.mark.parametrize("word", range(4))
def test_hazards(word):
    """A step waits until a cycle after its word is stored, and no step longer."""
    dut = Scanner(SMALL)

    async def bench(ctx, rng):
        fields = {"from_input": 0, "src": 10, "src_words": 4, "tiles": 1, "waits": 1}
        player = Player(dut, rng, [layer(rng, skip=1, **fields)])
        player.masks[10:14] = [7] * 4
        player.stored = word
        await player.until(ctx, lambda: player.time == 30)
        assert len(player.valid) == word
        # The step has been stalled since it was the next one to be made.
        first = player.taken[0] + TO_STEP + word
        assert player.stalled == 30 - first
        player.stored = word + 1
        left = player.time
        await player.cycle(ctx)
        player.stored = rng.choice([4, None])
        await player.until(ctx, lambda: len(player.valid) == 4)
        assert player.valid[word:] == [left + 1 + TO_SEGMENT + n for n in range(4 - word)]

    run(dut, bench)


@pytest.mark.parametrize("stored, waits", [(4, 1), (0, 0), (None, 1)])
def test_no_hazard(stored, waits):
    """All that is read is stored, none of it is of the older layer, or there is no older one."""
    dut = Scanner(SMALL)

    async def bench(ctx, rng):
        fields = {"from_input": 0, "src": 10, "src_words": 4, "tiles": 1, "waits": waits}
        player = Player(dut, rng, [layer(rng, skip=0, **fields)])
        player.stored = stored
        await player.until(ctx, lambda: player.time == 30)
        assert len(player.valid) == 4 and player.stalled == 0

    run(dut, bench)


def test_a_full_queue():
    """No more steps are made than there is room for segments, and none is lost."""
    dut = Scanner(SMALL)

    async def bench(ctx, rng):
        values = layer(rng, skip=0, from_input=0, src=0, src_words=25, tiles=2)
        player = Player(dut, rng, [values], (0.0, 1.0))
        await player.until(ctx, lambda: player.time == 60)
        player.sink.stall = 0.0
        want, _ = expected([values], player.masks)
        await player.until(ctx, lambda: len(player.valid) == len(want))
        assert player.sink.taken == want
        # All that waited is taken at once.
        assert player.valid[SEGMENT_DEPTH - 1] == 60 + SEGMENT_DEPTH - 1

    run(dut, bench)
