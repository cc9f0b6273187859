"""Counters of loops whose number of passes is a signal."""

from amaranth import *
from tests.helpers.sim import run

from celosia_hw.util.countdown import Countdown, LineCountdown


def test_passes():
    """``ends`` in the last of so many passes, again and again."""
    counter = Countdown(3, name="counter")
    start, step, count = Signal(), Signal(), Signal(3)
    m = Module()
    with m.If(step):
        m.d.sync += counter.step()
    with m.If(start):
        m.d.sync += counter.start(count)

    async def bench(ctx, rng):
        for passes in [1, 2, 7, *(rng.randrange(1, 8) for _ in range(10))]:
            ctx.set(start, 1)
            ctx.set(count, passes)
            await ctx.tick()
            ctx.set(start, 0)
            ctx.set(count, rng.randrange(8))
            for n in range(3 * passes):
                while rng.random() < 0.3:
                    await ctx.tick()
                assert ctx.get(counter.ends) == (n % passes == passes - 1)
                ctx.set(step, 1)
                await ctx.tick()
                ctx.set(step, 0)

    run(m, bench)


def test_lines_of_two_lengths():
    """The first of the lines has a length of its own, each time they start over."""
    lines = Countdown(2, name="lines")
    taps = LineCountdown(3, lines, name="taps")
    start, step = Signal(), Signal()
    counts = {"lines": Signal(2), "first": Signal(3), "rest": Signal(3)}
    m = Module()
    with m.If(step):
        m.d.sync += taps.step()
        with m.If(taps.ends):
            m.d.sync += lines.step()
    with m.If(start):
        m.d.sync += [
            lines.start(counts["lines"]),
            taps.start(counts["first"], counts["rest"]),
        ]

    async def bench(ctx, rng):
        corners = [(1, 1, 1), (1, 1, 7), (2, 1, 7), (2, 7, 1), (3, 1, 2), (3, 2, 1)]
        for values in [*corners, *([rng.randrange(1, n) for n in (4, 8, 8)] for _ in range(10))]:
            ctx.set(start, 1)
            for count, value in zip(counts.values(), values, strict=True):
                ctx.set(count, value)
            await ctx.tick()
            ctx.set(start, 0)
            for count in counts.values():
                ctx.set(count, rng.getrandbits(len(count)))
            passes, first, rest = values
            for line in 3 * list(range(passes)):
                length = rest if line else first
                for tap in range(length):
                    assert ctx.get(taps.ends) == (tap == length - 1)
                    assert ctx.get(lines.ends) == (line == passes - 1)
                    ctx.set(step, 1)
                    await ctx.tick()
                    ctx.set(step, 0)

    run(m, bench)
