"""Amaranth's simulator for small components: one clock, and streams that stall at random."""

from random import Random

from amaranth.sim import Simulator

from celosia.spec import Config, ceil_div

__all__ = ["LINKS", "PERIOD", "collect", "feed", "simulate", "words_of"]

#: Of the clock; `simulate` checks no time with it.
PERIOD = 1e-8
#: Engines whose records are smaller than link words, equal, and larger; with one row and with
#: several, with and without tables, with memories of few records; with and without checksums.
LINKS = [
    Config(
        rows=rows,
        cols=cols,
        lanes=lanes,
        link_bytes=link_bytes,
        weight_depth=20,
        param_depth=9,
        program_depth=8,
        act_depth=16,
        tables=tables,
        checksum=checksum,
    )
    for rows, cols, lanes, link_bytes, tables, checksum in (
        (1, 4, 4, 1, 0, 1),
        (3, 4, 2, 4, 1, 0),
        (2, 10, 10, 8, 2, 1),
        (5, 6, 3, 32, 1, 1),
    )
]


def simulate(dut, *testbenches) -> None:
    """Run ``dut`` until every one of ``testbenches`` has ended."""
    simulator = Simulator(dut)
    simulator.add_clock(PERIOD)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    simulator.run()


async def feed(ctx, stream, payloads, rng: Random, stall: float = 0.0) -> int:
    """Offer ``payloads`` to ``stream`` one after the other; before each, pause at random.

    Returns the cycles in which one was offered.
    """
    cycles = 0
    for payload in payloads:
        while rng.random() < stall:
            await ctx.tick()
        ctx.set(stream.payload, payload)
        ctx.set(stream.valid, 1)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(stream.ready)
            cycles += 1
        ctx.set(stream.valid, 0)
    return cycles


async def collect(ctx, stream, count: int, rng: Random, stall: float = 0.0) -> list:
    """The next ``count`` payloads of ``stream``. What is offered must not change until taken."""
    taken, held = [], None
    while len(taken) < count:
        ready = rng.random() >= stall
        ctx.set(stream.ready, ready)
        _, _, valid, payload = await ctx.tick().sample(stream.valid, stream.payload)
        assert held is None or (valid and payload == held), "an offer has changed"
        held = payload if valid and not ready else None
        if valid and ready:
            taken.append(payload)
    ctx.set(stream.ready, 0)
    return taken


def words_of(data: bytes, link_bytes: int) -> list[int]:
    """``data`` in link words, zero-padded."""
    count = ceil_div(len(data), link_bytes)
    data = data.ljust(count * link_bytes, b"\0")
    return [int.from_bytes(data[n * link_bytes :][:link_bytes], "little") for n in range(count)]
