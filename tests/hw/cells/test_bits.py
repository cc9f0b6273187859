"""Functions of bits: both forms give what they are documented to give, for every input."""

import pytest
from amaranth import *
from amaranth.lib import data
from amaranth.sim import Simulator

from celosia_hw.cells import device_bits, simulation_bits

FORMS = (device_bits, simulation_bits)


def outputs(m: Module, inputs: Signal, outputs: list[Value], values: range) -> list[tuple]:
    """What ``outputs`` are for each of ``values``."""
    found = []

    async def bench(context):
        for value in values:
            context.set(inputs, value)
            found.append(tuple(context.get(output) for output in outputs))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__.rpartition(".")[2])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 12])
def test_counts(form, width):
    m, bits = Module(), Signal(width)
    functions = (form.one_bit, form.two_bits, form.count_ones)
    values = [Signal(range(width + 1), name=each.__name__) for each in functions]
    m.d.comb += [
        value.eq(function(bits)) for value, function in zip(values, functions, strict=True)
    ]
    counts = [number.bit_count() for number in range(1 << width)]
    expected = [(count == 1, count == 2, count) for count in counts]
    assert outputs(m, bits, values, range(1 << width)) == expected


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__.rpartition(".")[2])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 12])
def test_the_lowest_bit(form, width):
    m, bits, index = Module(), Signal(width), Signal(range(width))
    form.lowest_bit(m, bits, index)
    numbers = range(1, 1 << width)
    expected = [((number & -number).bit_length() - 1,) for number in numbers]
    assert outputs(m, bits, [index], numbers) == expected


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__.rpartition(".")[2])
@pytest.mark.parametrize("lanes", [1, 2, 5, 8, 12, 16, 24])
def test_a_byte_is_taken(form, lanes):
    words = data.ArrayLayout(data.ArrayLayout(8, lanes), 2)
    numbers = [[(37 * lane + 101 * row + 5) % 256 for lane in range(lanes)] for row in range(2)]
    m, byte = Module(), Signal(range(lanes))
    registers = Signal(data.ArrayLayout(8, 2))
    form.take_byte(m, byte, Signal(words, init=numbers), registers)
    found = []

    async def bench(context):
        for lane in range(lanes):
            context.set(byte, lane)
            await context.tick()
            found.append([context.get(register) for register in registers])

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == [list(lane) for lane in zip(*numbers, strict=True)]
