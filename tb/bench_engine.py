"""The whole engine: random programs on random images, against the golden model."""

from celosia.spec import Opcode

from . import settings
from .base import bench, bench_stalled
from .engine_tb import EngineTB
from .programs import Program, Programs

#: Weight words a layered program takes: at most about as many cycles for each image.
_BUDGET = 250


def load(tb: EngineTB, programs: Programs) -> None:
    for memory, address, records in programs.writes:
        tb.send(tb.write_frame(memory, address, records))


def infer(tb: EngineTB, programs: Programs, program: Program, images: int | None = None) -> None:
    """Queue a run on some images, rows of them at the most, with and without skipping."""
    images = images or int(tb.rng.integers(1, tb.config.rows + 1))
    x = programs.images(program, images)
    tb.send(tb.infer_frame(program.entry, x, skip=tb.rng.random() < 0.8))


@bench_stalled(150_000)
async def networks(dut, stall):
    """Programs of 1 to 6 layers, interleaved, with full and partial batches back to back."""
    tb = EngineTB(dut, f"networks{stall}", stall)
    await tb.reset()
    programs = Programs(tb.rng, tb.config)
    chosen = [programs.add(layers, _BUDGET) for layers in tb.rng.permutation(6)[:3] + 1]
    load(tb, programs)
    for _ in range(settings.amount(12)):
        program = chosen[tb.rng.integers(len(chosen))]
        for _ in range(tb.rng.integers(1, 4)):
            infer(tb, programs, program)
    tb.send(tb.frame(Opcode.COUNTERS, arg=1))
    infer(tb, programs, chosen[0], tb.config.rows)
    tb.send(tb.frame(Opcode.COUNTERS))
    await tb.drain()


@bench(60_000)
async def shapes(dut):
    """One layer of the shapes that tend to break, each on every number of images."""
    tb = EngineTB(dut, "shapes", (0.1, 0.1))
    await tb.reset()
    programs = Programs(tb.rng, tb.config)
    lanes = tb.config.lanes
    widths = sorted({1, max(1, lanes - 1), lanes, lanes + 1, 2 * lanes, tb.config.cols, 37})
    chosen = [programs.add(1, 4 * inputs, inputs) for inputs in widths]
    chosen.append(programs.add(1, 300, 300))
    chosen = chosen[-settings.amount(len(chosen)) :]
    load(tb, programs)
    for program in chosen:
        for images in range(1, tb.config.rows + 1):
            infer(tb, programs, program, images)
    await tb.drain()


@bench(60_000)
async def blocked_output(dut):
    """The host takes nothing for a long time, then everything: nothing is lost."""
    tb = EngineTB(dut, "blocked_output", (0.0, 0.2))
    await tb.reset()
    programs = Programs(tb.rng, tb.config)
    chosen = [programs.add(layers, 60) for layers in (1, 3)]
    load(tb, programs)
    await tb.drain()
    for _ in range(settings.amount(4)):
        for program in chosen:
            for _ in range(12):
                infer(tb, programs, program)
        tb.output.paused = True
        await tb.cycles(1500)
        tb.output.paused = False
        await tb.drain()


@bench(150_000)
async def constants_survive(dut):
    """Runs change no memory but the activations: what was written, or a part, is read back."""
    tb = EngineTB(dut, "constants_survive", (0.1, 0.1))
    await tb.reset()
    programs = Programs(tb.rng, tb.config)
    program = programs.add(4, 100)
    load(tb, programs)
    for _ in range(3):
        infer(tb, programs, program)
    for memory, address, records in programs.writes:
        count = settings.amount(len(records))
        start = int(tb.rng.integers(len(records) - count + 1))
        tb.send(tb.frame(Opcode.READ, memory, address + start, count))
    await tb.drain()
