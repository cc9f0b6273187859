"""Element tables: looked up or handed on, a beat per cycle."""

from collections import deque

import numpy as np
from tests.helpers.sim import noise, run

from celosia.model import apply_table
from celosia.spec import Config
from celosia.spec.timing import READ_LATENCY
from celosia_hw.postprocess.element_tables import ElementTables

TABLES = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint8)


def test_against_model():
    dut = ElementTables(Config.default(1, 4, tables=3, requantizers=2, convolution=0))

    async def bench(ctx, rng):
        for use, index in ((0, 0), (1, 0), (1, 2), (0, 1), (1, 1)):
            ctx.set(dut.use, use)
            ctx.set(dut.index, index)
            beats: list[list[int]] = []
            addresses: deque[list[int]] = deque([[0, 0]] * READ_LATENCY)
            for time in range(40):
                noise(ctx, rng, dut.i)
                beats.append([ctx.get(byte) for byte in dut.i])
                for port, addr in zip(dut.tables, addresses.popleft(), strict=True):
                    ctx.set(port.data, int(TABLES.flat[addr]))
                if time >= dut.latency:
                    want = np.array(beats[time - dut.latency], np.uint8)
                    want = apply_table(want, TABLES[index]) if use else want
                    assert [ctx.get(byte) for byte in dut.o] == want.tolist()
                addresses.append([ctx.get(port.addr) for port in dut.tables])
                await ctx.tick()

    run(dut, bench)


def test_without_tables_it_is_a_delay():
    dut = ElementTables(Config.default(1, 4, tables=0, convolution=0))

    async def bench(ctx, rng):
        beats = []
        ctx.set(dut.use, 1)
        for time in range(20):
            noise(ctx, rng, dut.i)
            beats.append([ctx.get(byte) for byte in dut.i])
            if time >= dut.latency:
                assert [ctx.get(byte) for byte in dut.o] == beats[time - dut.latency]
            await ctx.tick()

    assert not hasattr(dut, "tables")
    run(dut, bench)
