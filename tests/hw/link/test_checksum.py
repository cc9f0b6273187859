"""Checksums of words at any distance, and when the next word may follow."""

import zlib
from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate

from celosia_hw.link.checksum import Checksum


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_words(config):
    rng = Random(config.rows)
    dut = Checksum(config)

    async def bench(ctx):
        for words in (0, 1, 2, 5, 9):
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            data = b""
            for _ in range(words):
                data += await word(ctx)
            cycles = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                cycles += 1
            assert cycles <= config.link_bytes
            assert ctx.get(dut.o.crc32) == zlib.crc32(data)

    async def word(ctx) -> bytes:
        data = rng.randbytes(config.link_bytes)
        ctx.set(dut.word, int.from_bytes(data, "little"))
        ctx.set(dut.valid, 1)
        await ctx.tick()
        ctx.set(dut.valid, 0)
        ctx.set(dut.word, rng.getrandbits(8 * config.link_bytes))
        cycles = 1
        assert ctx.get(dut.busy)
        while ctx.get(dut.full):
            await ctx.tick()
            cycles += 1
        assert cycles == config.link_bytes
        for _ in range(rng.choice([0, 0, 1, 3])):
            await ctx.tick()
        return data

    simulate(dut, bench)
