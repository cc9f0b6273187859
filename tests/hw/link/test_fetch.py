"""Addresses of a READ, and the cycles between them."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate

from celosia.spec import Memory, record
from celosia.spec.timing import RECORD_LATENCY
from celosia_hw.link.fetch import Fetch


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_reads(config):
    rng = Random(config.rows)
    dut = Fetch(config)

    async def bench(ctx):
        for _ in range(40):
            one = record(config, rng.choice([*Memory, Memory.ACTIVATIONS]))
            if not one.depth:
                continue
            count = rng.choice([1, 2, rng.randint(1, min(one.depth, 40))])
            address = rng.choice([0, rng.randint(0, one.depth - count), one.depth - count])
            await read(ctx, one, address, count)
            for _ in range(rng.randint(0, 3)):
                assert not ctx.get(dut.o.valid) and not ctx.get(dut.finished)
                await ctx.tick()
                assert not ctx.get(dut.reading)

    async def read(ctx, one, address, count):
        ctx.set(dut.request, {"arg": one.memory, "address": address, "count": count})
        ctx.set(dut.sent, 0)
        await ctx.tick()
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        cycles, row = 1, 0
        for n in range(count):
            expected_row, addr = 0, address + n
            if one.memory == Memory.ACTIVATIONS:
                expected_row, addr = divmod(address + n, config.act_depth)
            # Memories were given the address long enough before.
            seen = []
            while not ctx.get(dut.o.valid):
                assert not ctx.get(dut.finished) and cycles < 100
                seen.append((ctx.get(dut.reading), ctx.get(dut.row), ctx.get(dut.addr)))
                await ctx.tick()
                cycles += 1
            assert cycles == RECORD_LATENCY + (4 if n else 3) + 2 * (expected_row - row)
            assert seen[-RECORD_LATENCY:] == [(1, expected_row, addr)] * RECORD_LATENCY
            assert ctx.get(dut.o.payload) == one.words - 1
            row = expected_row
            for _ in range(rng.randint(2, 6)):
                assert ctx.get(dut.o.valid) and ctx.get(dut.reading)
                assert (ctx.get(dut.row), ctx.get(dut.addr)) == (expected_row, addr)
                await ctx.tick()
            ctx.set(dut.o.ready, 1)
            await ctx.tick()
            ctx.set(dut.o.ready, 0)
            assert ctx.get(dut.finished) == (n == count - 1)
            assert ctx.get(dut.reading) and not ctx.get(dut.o.valid)
            await ctx.tick()
            ctx.set(dut.sent, n + 1)
            cycles = 2
        assert ctx.get(dut.reading) and not ctx.get(dut.finished)

    simulate(dut, bench)
