"""The UART on its own: timing tolerance, framing errors, noise on the line."""

import gc
import random

import pytest
from amaranth import *
from amaranth.sim import Simulator

from celosia_hw.serial.uart import UartReceiver, UartTransmitter

CYCLE = 1e-6


def receive(divisor, edges, cycles):
    """Bytes received, None for an error, from a line with ``edges``: (time in cycles, level)."""
    dut, got = UartReceiver(divisor), []

    async def drive(ctx):
        now = 0
        for time, level in edges:
            await ctx.delay((time - now) * CYCLE)
            now = time
            ctx.set(dut.rx, level)
        await ctx.delay(cycles * CYCLE)

    async def monitor(ctx):
        async for _, _, valid, error, byte in ctx.tick().sample(dut.valid, dut.error, dut.data):
            assert not (valid and error)
            if valid or error:
                got.append(byte if valid else None)

    simulator = Simulator(dut)
    simulator.add_clock(CYCLE)
    simulator.add_testbench(drive)
    simulator.add_process(monitor)
    simulator.run()
    return got


def frames(data, bit, start=10.0, gap=0.0):
    """Edges of the bytes ``data``, with bits of ``bit`` cycles, and the time of the last one."""
    edges, time = [], start
    for byte in data:
        for level in [0, *(byte >> index & 1 for index in range(8)), 1]:
            edges.append((time, level))
            time += bit
        time += gap
    return edges, time


DATA = bytes([0x00, 0xFF, 0x55, 0xAA, 0x7E, 0x01, 0x80]) + random.Random(1).randbytes(20)


@pytest.mark.parametrize("divisor", [4, 5, 8, 12, 25, 104])
def test_bytes_back_to_back(divisor):
    data = DATA if divisor < 100 else DATA[:8]
    edges, _ = frames(data, divisor)
    assert receive(divisor, edges, 2 * divisor) == list(data)


@pytest.mark.parametrize("off", [-0.03, 0.03])
@pytest.mark.parametrize("divisor", [8, 12, 16, 25])
def test_a_sender_that_is_off(divisor, off):
    edges, _ = frames(DATA, divisor * (1 + off), start=10.4)
    assert receive(divisor, edges, 2 * divisor) == list(DATA)


@pytest.mark.parametrize("off", [-0.12, 0.12])
def test_a_sender_that_is_far_off_is_not_understood(off):
    edges, _ = frames(DATA, 16 * (1 + off))
    assert receive(16, edges, 200) != list(DATA)


def test_a_missing_stop_bit_is_an_error_and_the_next_byte_is_not():
    first, time = frames(b"\x55\x31", 16)
    first[19] = (first[19][0], 0)  # the stop bit of the second byte
    second, _ = frames(b"\x32\x33", 16, start=time + 5)
    assert receive(16, [*first, (time, 1), *second], 50) == [0x55, None, 0x32, 0x33]


def test_a_line_that_stays_low_is_one_error():
    second, _ = frames(b"\x42", 8, start=2100)
    assert receive(8, [(10, 0), (2000, 1), *second], 50) == [None, 0x42]


def test_a_glitch_is_no_start():
    edges, _ = frames(b"\x42", 16, start=60)
    assert receive(16, [(10, 0), (14, 1), (30, 0), (33, 1), *edges], 50) == [0x42]


@pytest.mark.parametrize("divisor", [4, 7, 12])
def test_the_transmitter_bit_by_bit(divisor):
    dut, line = UartTransmitter(divisor), []

    async def drive(ctx):
        for byte in DATA:
            ctx.set(dut.i.payload, byte)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        await ctx.tick().repeat(12 * divisor)

    async def monitor(ctx):
        async for _, _, tx in ctx.tick().sample(dut.tx):
            line.append(tx)

    simulator = Simulator(dut)
    simulator.add_clock(CYCLE)
    simulator.add_testbench(drive)
    simulator.add_process(monitor)
    simulator.run()
    expected = [1]
    for byte in DATA:
        for level in [0, *(byte >> index & 1 for index in range(8)), 1]:
            expected += [level] * divisor
        expected.append(1)  # the cycle in which the next byte is accepted
    assert line[: len(expected)] == expected
    assert set(line[len(expected) :]) == {1}


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("uart", [UartReceiver, UartTransmitter])
@pytest.mark.parametrize("divisor", [3, 0, -4, 8.0, None])
def test_bad_divisor(uart, divisor):
    with pytest.raises(ValueError, match=f"divisor = {divisor}"):
        uart(divisor)
    gc.collect()  # of it comes Amaranth's warning that what was made is not used
