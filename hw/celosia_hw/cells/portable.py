"""Cells for any device: plain arithmetic and memories, mapped by synthesis."""

from amaranth import *
from amaranth.lib import fifo, memory

from celosia.spec import ACC, Config
from celosia.spec.timing import PRODUCT_LATENCY, READ_LATENCY
from celosia_hw.util.delay import delay

from . import device_bits as bits
from .ports import activations

__all__ = [
    "CHAINED",
    "GATED",
    "DualPortMemory",
    "Product16",
    "Product32",
    "Products",
    "Queue",
    "RowMemories",
    "WeightMemory",
    "bits",
    "copies",
    "delay_line",
    "kept_sum",
]

#: Whether wide registers are held while what they have does not matter. That saves a simulation
#: work; on a large device it takes enables that reach all of them.
GATED = True
#: Whether the copy of a tile's sums is shifted out (`celosia_hw.array.chain`), and not chosen from
#: (`celosia_hw.array.held`). That takes a LUT before each of its flip-flops.
CHAINED = False
#: Where an adder can leave out the sum so far at no cost: see `celosia_hw.cells.ecp5_packed`. None:
#: the reset of the sum's register does it.
kept_sum = None
#: The queue of segments: wide, and of few words.
Queue = fifo.SyncFIFO
#: Cells that share one packed register: as wide as simulation compilers vectorize best.
BLOCK = 256


def copies(m: Module, name: str, value: Value, count: int) -> list[Signal]:
    """``value`` a cycle later, in ``count`` registers without reset, each for a part of a large
    fan-out. Here all are one: synthesis would merge them."""
    register = Signal(len(value), name=name, reset_less=True)
    m.d.sync += register.eq(value)
    return [register] * count


def delay_line(m: Module, name: str, value: Value, cycles: int) -> Value:
    """``value`` as it was ``cycles`` cycles ago; undefined for ``cycles`` cycles after a reset.

    Here of registers. ``name`` : of what it is made of, which is called ``name`` and a number.
    """
    return delay(m, value, cycles, name=name)


class Products(Elaboratable):
    """``p[r, c] = u[r] * w[c]`` of every cell, `PRODUCT_LATENCY` cycles later, every cycle.

    Products are fields of wide packed registers, 32 bits each, and every field is plain 32-bit
    arithmetic: Verilator turns that into straight-line code and a C++ compiler into vector
    instructions (ten times the speed of one signal per cell). Products repeat their sign bit to
    fill a field; synthesis merges the copies.

    Attributes
    ----------
    u : in, {(row, col): signal of 8 bits}, unsigned (`celosia_hw.cells.ports.activations`).
    w : in, ``cols`` signals of 8 bits, signed.
    p : out, {(row, col): signed value of `ACC.width` bits}.
    """

    def __init__(self, config: Config):
        self.u = activations(config)
        self.w = [Signal(signed(8), name=f"w_{col}") for col in range(config.cols)]
        self._cells = [(row, col) for row in range(config.rows) for col in range(config.cols)]
        self._blocks = [
            self._cells[start : start + BLOCK] for start in range(0, len(self._cells), BLOCK)
        ]
        self._products = [
            Signal(ACC.width * len(block), name=f"product_{n}", reset_less=True)
            for n, block in enumerate(self._blocks)
        ]
        self.p = {
            cell: product[ACC.width * n :][: ACC.width].as_signed()
            for block, product in zip(self._blocks, self._products, strict=True)
            for n, cell in enumerate(block)
        }

    def elaborate(self, platform):
        m = Module()
        # Operands are widened once per row and column, not in every cell.
        signals = {u.name: u for u in self.u.values()}
        delayed = dict(zip(signals, self._delayed(m, list(signals.values()), "u"), strict=True))
        u = {cell: delayed[signal.name] for cell, signal in self.u.items()}
        w = self._delayed(m, self.w, "w")
        for block, product in zip(self._blocks, self._products, strict=True):
            m.d.sync += product.eq(Cat((u[cell] * w[cell[1]])[: ACC.width] for cell in block))
        return m

    def _delayed(self, m, operands, name):
        """The operands a cycle before their products, as signed 16 bits."""
        here = Cat(operands)
        for stage in range(PRODUCT_LATENCY - 1):
            later = Signal(len(here), name=f"{name}_stage_{stage}", reset_less=True)
            m.d.sync += later.eq(here)
            here = later
        wide = [Signal(signed(16), name=f"{name}_wide_{n}") for n in range(len(operands))]
        for n, (operand, value) in enumerate(zip(operands, wide, strict=True)):
            byte = here[8 * n :][:8]
            m.d.comb += value.eq(byte.as_signed() if operand.shape().signed else byte)
        return wide


class Product16(Elaboratable):
    """``p = a * b`` of the operands two cycles earlier, every cycle.

    A register at each input and one at the output, as multiplier blocks have.

    Attributes
    ----------
    a : in, 16 bits, signed if ``signed_a``.
    b : in, 16 bits, unsigned.
    p : out, 32 bits, signed if ``signed_a``; undefined until two cycles after the first operands.
    """

    def __init__(self, signed_a: bool):
        self.signed_a = signed_a
        self.a, self.b = Signal(Shape(16, signed_a)), Signal(16)
        self.p = Signal(Shape(32, signed_a), reset_less=True)

    def elaborate(self, platform):
        m = Module()
        a = Signal.like(self.a, name="a_stage", reset_less=True)
        b = Signal.like(self.b, name="b_stage", reset_less=True)
        m.d.sync += [a.eq(self.a), b.eq(self.b), self.p.eq(a * b)]
        return m


class Product32(Elaboratable):
    """``p = a * b`` of operands that are held.

    ``p`` is valid `celosia.spec.timing.PRODUCT32_LATENCY` cycles after the operands last changed,
    its low half one cycle earlier; before, it is undefined.

    Attributes
    ----------
    a : in, 32 bits, signed.
    b : in, 32 bits, unsigned, at most 2**31.
    p : out, 64 bits, signed.
    """

    def __init__(self):
        self.a, self.b = Signal(signed(32)), Signal(32)
        self.p = Signal(signed(64), reset_less=True)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.p.eq(self.a * self.b)
        return m


class DualPortMemory(Elaboratable):
    """``depth`` words of ``width`` bits; ``data`` is the word at ``addr`` `READ_LATENCY` cycles
    ago.

    The last cycle is a register of its own, because a block RAM's clock-to-output leaves no time
    for logic. Some technologies read in the first of these cycles, some in the last: of a word that
    is written in between, either the old or the new value may be read.

    Attributes
    ----------
    addr : in.
    data : out, ``width`` bits.
    write_addr : in.
    write_data : in, ``width`` bits.
    write_en : in, 1 bit.
    """

    def __init__(self, width: int, depth: int):
        self.width, self.depth = width, depth
        self.addr, self.write_addr = Signal(range(depth)), Signal(range(depth))
        self.data, self.write_data = Signal(width, reset_less=True), Signal(width)
        self.write_en = Signal()

    def elaborate(self, platform):
        m = Module()
        read_port = self.ports(m)
        m.d.comb += read_port.addr.eq(self.addr)
        here = read_port.data
        for stage in range(READ_LATENCY - 1):
            later = self.data if stage == READ_LATENCY - 2 else Signal.like(self.data)
            m.d.sync += later.eq(here)
            here = later
        return m

    def ports(self, m: Module):
        """The memory with its write port connected; returns its read port: a cycle of latency."""
        # Else Yosys adds registers and logic around block RAM that return the old contents.
        m.submodules.storage = storage = memory.Memory(
            shape=self.width, depth=self.depth, init=[], attrs={"no_rw_check": 1}
        )
        write_port, read_port = storage.write_port(), storage.read_port()
        m.d.comb += [
            write_port.addr.eq(self.write_addr),
            write_port.data.eq(self.write_data),
            write_port.en.eq(self.write_en),
        ]
        return read_port


class WeightMemory(DualPortMemory):
    """A `DualPortMemory` that may be of single-port RAM: while a word is written, and for
    `celosia.spec.timing.WEIGHTS_LATENCY` cycles after, what is read is undefined."""


class RowMemories(Elaboratable):
    """``rows`` of the technology's `DualPortMemory` with the same addresses.

    Attributes
    ----------
    addr : in.
    data : out, ``width`` bits per row, row 0 lowest.
    write_addr : in.
    write_data : in, ``width`` bits.
    write_en : in, 1 bit per row.
    """

    def __init__(self, memory: type[DualPortMemory], rows: int, width: int, depth: int):
        self.memory = memory
        self.rows, self.width, self.depth = rows, width, depth
        self.addr, self.write_addr = Signal(range(depth)), Signal(range(depth))
        self.data, self.write_data = Signal(rows * width), Signal(width)
        self.write_en = Signal(rows)

    def elaborate(self, platform):
        m = Module()
        for row in range(self.rows):
            m.submodules[f"row_{row}"] = storage = self.memory(self.width, self.depth)
            m.d.comb += [
                storage.addr.eq(self.addr),
                storage.write_addr.eq(self.write_addr),
                storage.write_data.eq(self.write_data),
                storage.write_en.eq(self.write_en[row]),
                self.data.word_select(row, self.width).eq(storage.data),
            ]
        return m
