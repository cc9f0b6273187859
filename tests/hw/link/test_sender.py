"""Parts of frames as link words, back to back and cut short, with stalls on both sides."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate, words_of

from celosia.spec import COUNTERS, TRAILER, Config, Opcode
from celosia_hw.link.sender import Sender


class Part:
    """``source`` sends ``items``, each in words; ``inputs`` are set on the sender meanwhile."""

    def __init__(self, source: str, items: list[bytes], link_bytes: int, **inputs):
        self.source, self.inputs = source, inputs
        self.items = [words_of(item, link_bytes) for item in items]

    @property
    def payload(self) -> dict[str, int]:
        return {self.source: 1, "last_word": len(self.items[0]) - 1}

    @property
    def words(self) -> list[tuple[int, int]]:
        """All that is sent, each with its `last`."""
        words = [(word, 0) for item in self.items for word in item]
        return words[:-1] + [(words[-1][0], int(self.source == "trailer"))]


def parts(config: Config, rng: Random) -> list[Part]:
    every = []
    for _ in range(40):
        kind = rng.randrange(3)
        if kind == 0:
            results = [rng.randbytes(config.lanes) for _ in range(rng.randint(1, 4))]
            every.append(Part("results", results, config.link_bytes))
        elif kind == 1:
            values = {field.name: rng.randint(0, field.max) for field in COUNTERS.fields}
            inputs = {"request": {"opcode": Opcode.COUNTERS}, "counters": values}
            every.append(Part("record", [COUNTERS.pack(**values)], config.link_bytes, **inputs))
        else:
            values = {field.name: rng.randint(0, field.max) for field in TRAILER.fields}
            item = TRAILER.pack(**values)
            every.append(Part("trailer", [item], config.link_bytes, trailer=values))
    return every


class Bench:
    """Sends parts, and takes words of the sender at random."""

    def __init__(self, config: Config, stall: float):
        self.config, self.stall, self.rng = config, stall, Random(config.rows)
        self.dut = Sender(config)
        self.words, self.expected, self.held = [], [], None

    async def run(self, ctx):
        every = parts(self.config, self.rng)
        await self.cycle(ctx, every[0].payload)
        for part, following in zip(every, [*every[1:], None], strict=True):
            for name, value in part.inputs.items():
                ctx.set(getattr(self.dut, name), value)
            if part.source == "results" and self.rng.random() < 0.3:
                await self.cut(ctx, part)
            elif following is None or self.rng.random() < 0.5:
                await self.send(ctx, part, {})
            else:
                await self.send(ctx, part, following.payload)
                continue
            # Nothing is sent for a while.
            for _ in range(self.rng.randint(0, 3)):
                assert await self.cycle(ctx) == (False, False)
            await self.cycle(ctx, following.payload if following else None)
        while ctx.get(self.dut.o.valid):
            await self.cycle(ctx)

    async def send(self, ctx, part: Part, following: dict[str, int]):
        """All of ``part``, with ``following`` in the cycle in which it is done."""
        cycles = 0
        for n, item in enumerate(part.items):
            if part.source == "results":
                while self.rng.random() < self.stall:
                    assert await self.cycle(ctx) == (False, False)
                self.offer(ctx, item)
            done = False
            while not done:
                last = n == len(part.items) - 1
                done, taken = await self.cycle(ctx, following if last else None, on_done=True)
                assert taken == (done and part.source == "results")
                cycles += 1
            ctx.set(self.dut.results.valid, 0)
        self.expected += part.words
        each = self.dut.record_cycles if part.source == "record" else 1
        assert self.stall or cycles == each * len(part.words)

    async def cut(self, ctx, part: Part):
        """Results of ``part`` until some cycle, in which the part ends."""
        before = len(self.expected)
        cycles = self.rng.randrange(len(part.words))
        for n, word in enumerate(part.words):
            self.offer(ctx, part.items[n // len(part.items[0])])
            placed = False
            while not placed:
                ends = cycles == 0
                cycles -= 1
                placed = not ctx.get(self.dut.o.valid) or self.rng.random() >= self.stall
                await self.cycle(ctx, {} if ends else None, ready=placed)
                self.expected += [word] * placed
                if ends:
                    ctx.set(self.dut.results.valid, 0)
                    return
        assert len(self.expected) > before

    def offer(self, ctx, item: list[int]):
        data = sum(word << 8 * self.config.link_bytes * n for n, word in enumerate(item))
        ctx.set(self.dut.results.payload.data.as_value(), data)
        ctx.set(self.dut.results.valid, 1)

    async def cycle(self, ctx, part=None, *, on_done=False, ready=None) -> tuple[bool, bool]:
        """One cycle, with ``part`` in it or only if it is done: done, and a result was taken."""
        dut = self.dut
        if ready is None:
            ready = not ctx.get(dut.o.valid) or self.rng.random() >= self.stall
        ctx.set(dut.o.ready, ready)
        done = bool(ctx.get(dut.done))
        taken = bool(ctx.get(dut.results.valid & dut.results.ready))
        if part is not None and (done or not on_done):
            ctx.set(dut.part.payload, part)
            ctx.set(dut.part.valid, 1)
        valid, word = ctx.get(dut.o.valid), ctx.get(dut.o.payload)
        assert self.held is None or (valid and word == self.held), "an offer has changed"
        self.held = word if valid and not ready else None
        if valid and ready:
            self.words.append((word.data, word.last))
        await ctx.tick()
        ctx.set(dut.part.valid, 0)
        return done, taken


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_parts(config, stall):
    bench = Bench(config, stall)
    simulate(bench.dut, bench.run)
    assert bench.words == bench.expected
