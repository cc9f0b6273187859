"""Words of inputs and results in the rows that keep them, against a plain model."""

from random import Random

import pytest
from tests.helpers.streams import simulate

from celosia.spec import Config
from celosia.spec.timing import PLACEMENT_LATENCY, READ_LATENCY
from celosia_hw.core.stripe_memory import StripeMemory

SHAPES = {"1x4": (1, 4), "3x5": (3, 5), "16x4": (16, 4), "32x4": (32, 4)}
WORDS = 120


def config_of(name: str) -> Config:
    rows, cols = SHAPES[name]
    return Config.default(rows, cols, act_depth=24, weight_depth=16, convolution=1)


def placement(config: Config, rng: Random) -> dict[str, int]:
    """A range of words that rows keep, some of it halo; now and then numbers wrap."""
    length = rng.randint(1, config.act_depth)
    return {
        "base": rng.randint(0, config.act_depth - length),
        "row_words": rng.choice([rng.randint(0, length), rng.randint(0, 65535)]),
        "halo": rng.choice([0, rng.randint(0, length), rng.randint(0, 65535)]),
        "length": length,
    }


def places(config: Config, write: dict) -> dict[int, int]:
    """The rows that store a word, and where."""
    where, found = write["placement"], {}
    for row in range(config.rows):
        local = (write["number"] - row * where["row_words"] + where["halo"]) % (1 << 16)
        if local < where["length"]:
            found[row] = where["base"] + local
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_every_row_stores_what_it_keeps(name):
    config, rng = config_of(name), Random(name)
    dut = StripeMemory(config)
    memory = [[0] * config.act_depth for _ in range(config.rows)]
    stored = 0

    def random_write() -> dict:
        where = placement(config, rng)
        row = rng.randrange(config.rows)
        number = row * where["row_words"] - where["halo"] + rng.randint(-2, where["length"] + 1)
        return {
            "row": row,
            "active": 1,
            "dst": rng.randrange(config.act_depth),
            "word_end": rng.randrange(2),
            "data": [rng.randrange(256) for _ in range(config.lanes)],
            "number": number % (1 << 16),
            "placement": where,
        }

    def store(write: dict) -> None:
        nonlocal stored
        for row, place in places(config, write).items():
            memory[row][place] = write["data"]
            stored += 1

    async def bench(ctx):
        for _ in range(WORDS):
            result, offered = rng.random() < 0.4, rng.random() < 0.6
            ctx.set(dut.result_next, result)
            ctx.set(dut.results.valid, 0)
            ctx.set(dut.inputs.valid, 0)
            await ctx.tick()
            ctx.set(dut.result_next, 0)
            for source, valid in ((dut.results, result), (dut.inputs, offered)):
                write = random_write()
                ctx.set(source.payload, write)
                ctx.set(source.valid, valid)
                if valid and (source is dut.results or not result):
                    store(write)
            assert ctx.get(dut.inputs.ready) == (not result)
            await ctx.tick()
        ctx.set(dut.results.valid, 0)
        ctx.set(dut.inputs.valid, 0)
        for _ in range(1 + PLACEMENT_LATENCY):
            await ctx.tick()
        for address in range(config.act_depth):
            # A row's address is its own.
            addresses = [(address + row) % config.act_depth for row in range(config.rows)]
            for port, each in zip(dut.rows, addresses, strict=True):
                ctx.set(port.addr, each)
            for _ in range(READ_LATENCY):
                await ctx.tick()
            for row, port in enumerate(dut.rows):
                got = [ctx.get(port.data[lane]) for lane in range(config.lanes)]
                assert got == (memory[row][addresses[row]] or [0] * config.lanes), (row, address)
        assert stored > WORDS // 4

    simulate(dut, bench)
