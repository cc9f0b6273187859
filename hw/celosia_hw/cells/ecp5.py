"""Lattice ECP5: MULT18X18D with its registers, DP16KD with its output register.

Both are instantiated, because Yosys moves no registers into either, and without these registers
they are the slowest paths of a design. Ports and parameters: Lattice FPGA-TN-02205 (sysDSP) and
FPGA-TN-02204 (memory). Simulation models of both: `celosia_hw.cells.models`.
"""

from amaranth import *
from amaranth.lib import memory

from celosia.spec import ceil_div
from celosia.spec.timing import PRODUCT_LATENCY, READ_LATENCY, WEIGHTS_LATENCY

from . import portable
from .portable import CHAINED, Product32, Queue, RowMemories, bits, delay_line, kept_sum
from .ports import BlockProducts

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
    "multiplier",
]

#: See `celosia_hw.cells.portable`.
GATED = False
#: Memories of at most this many words are left to synthesis, which makes them of LUTs.
_LUT_RAM = 32
#: Width of a port of a DP16KD in bits -> its words.
_DEPTHS = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024}
#: The widest port, which takes the data pins of both, and its words. Only for words of so many bits
#: that half as many blocks matter: each has twice the wires.
_WIDEST, _FEW_WORDS, _WIDE = 36, 512, 512


def multiplier(m: Module, name: str, a: Value, b: Value, p: Signal) -> None:
    """A MULT18X18D with registers at inputs and output: ``p = a * b``, latency 2 cycles.

    Its constant inputs are driven by two LUTs of its own. nextpnr routes these constants like any
    signal, from one LUT for the whole device: hundreds of wires that cross it and rip up each other
    until the routing of a large array does not end.

    ``a`` and ``b`` have up to 18 bits, each signed or unsigned; ``p`` has up to 36, and is signed
    if ``a`` or ``b`` is. ``b`` is aligned to the upper bits of its operand, with zeros below, so
    that its sign is not wired to several pins. ``name`` : of the submodule, and of its constants.
    """
    constants = []
    for value in range(2):
        constant = Signal(name=f"{name}_{value}")
        init = C(0xFFFF * value, 16)
        # Yosys's ABC does not end with inputs that are not connected.
        inputs = {f"i_{pin}": Const(0, 1) for pin in "ABCD"}
        m.submodules[f"{name}_{value}"] = Instance("LUT4", p_INIT=init, **inputs, o_Z=constant)
        constants.append(constant)
    zero, one = constants
    ports = {}
    below = 18 - len(b)
    padding = Value.cast(a)[-1] if a.shape().signed else Const(0, 1)
    operands = {"A": Cat(a, padding.replicate(18 - len(a))), "B": Cat(C(0, below), b)}
    for operand, value in (("A", a), ("B", b)):
        ports[f"i_SIGNED{operand}"] = one if value.shape().signed else zero
        ports[f"i_SOURCE{operand}"] = zero
        ports |= {f"i_{operand}{n}": operands[operand][n] for n in range(18)}
    ports |= {f"o_P{n + below}": p[n] for n in range(len(p))}
    for stage in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"):
        ports[f"p_REG_{stage}_CLK"] = "NONE" if stage == "PIPELINE" else "CLK0"
        ports |= {f"p_REG_{stage}_CE": "CE0", f"p_REG_{stage}_RST": "RST0"}
    m.submodules[name] = Instance(
        "MULT18X18D",
        p_REG_INPUTC_CLK="NONE",
        p_GSR="DISABLED",
        p_RESETMODE="SYNC",
        i_CLK0=ClockSignal(),
        i_CE0=one,
        i_RST0=zero,
        **ports,
    )


def copies(m: Module, name: str, value: Value, count: int) -> list[Signal]:
    """`celosia_hw.cells.portable.copies`. The registers are instantiated: synthesis merges equal
    ones that it infers."""
    registers = [Signal(len(value), name=f"{name}_{n}") for n in range(count)]
    for n, register in enumerate(registers):
        for bit, (here, q) in enumerate(zip(value, register, strict=True)):
            m.submodules[f"{name}_{n}_{bit}"] = Instance(
                "TRELLIS_FF",
                p_GSR="DISABLED",
                p_CEMUX="1",
                p_CLKMUX="CLK",
                p_LSRMUX="LSR",
                p_REGSET="RESET",
                i_CLK=ClockSignal(),
                i_LSR=Const(0, 1),
                i_DI=here,
                o_Q=q,
            )
    return registers


class Products(BlockProducts):
    """`celosia_hw.cells.portable.Products`, a MULT18X18D for every cell of the array.

    Its latency is that of the registers at inputs and output, and of one in the fabric, because a
    column of multipliers is far from most of the sums.
    """

    def elaborate(self, platform):
        m = Module()
        assert PRODUCT_LATENCY == 3
        for (row, col), p in self.p.items():
            product = Signal.like(p, name=f"product_{row}_{col}")
            multiplier(m, f"cell_{row}_{col}", self.u[row, col], self.w[col], product)
            m.d.sync += p.eq(product)
        return m


class Product16(portable.Product16):
    """`celosia_hw.cells.portable.Product16`, made of a MULT18X18D."""

    def elaborate(self, platform):
        m = Module()
        multiplier(m, "multiplier", self.a, self.b, self.p)
        return m


class DualPortMemory(portable.DualPortMemory):
    """`celosia_hw.cells.portable.DualPortMemory`, made of DP16KD: written at port A, read at B.

    A memory of up to 16,384 words needs no multiplexer where every block holds some bits of all
    words. Deeper memories, and those that take fewer blocks so, are banks of as many words as a
    block has bits of some width, and one of the smallest depth that holds the rest.
    """

    def __init__(self, width: int, depth: int):
        self.width, self.depth = width, depth
        self.addr, self.write_addr = Signal(range(depth)), Signal(range(depth))
        self.data, self.write_data = Signal(width, reset_less=True), Signal(width)
        self.write_en = Signal()

    def elaborate(self, platform):
        m = Module()
        if self.depth <= _LUT_RAM:
            self._of_luts(m)
            return m
        select = bank_words(self.width, self.depth).bit_length() - 1
        banks = []
        for n, start in enumerate(range(0, self.depth, 1 << select)):
            width = block_width(self.width, min(1 << select, self.depth - start))
            write_bank = Signal(name=f"write_{n}")
            m.d.comb += write_bank.eq(self.write_en & (self.write_addr[select:] == n))
            bank = Signal(self.width, name=f"bank_{n}")
            banks.append(bank)
            for low in range(0, self.width, width):
                self._block(m, f"block_{n}_{low}", width, low, write_bank, bank)
        if len(banks) == 1:
            m.d.sync += self.data.eq(banks[0])
            return m
        selected = self.addr[select:]
        for stage in range(READ_LATENCY - 1):
            delayed = Signal.like(selected, name=f"selected_{stage}")
            m.d.sync += delayed.eq(selected)
            selected = delayed
        with m.Switch(selected):
            for n, bank in enumerate(banks):
                with m.Case(n):
                    m.d.sync += self.data.eq(bank)
        return m

    def _of_luts(self, m):
        """Make the memory of LUTs: with registers at the address and, two, at the data."""
        assert READ_LATENCY == 3
        m.submodules.storage = storage = memory.Memory(shape=self.width, depth=self.depth, init=[])
        write_port, read_port = storage.write_port(), storage.read_port(domain="comb")
        read = Signal.like(self.data, name="read")
        m.d.comb += [
            write_port.addr.eq(self.write_addr),
            write_port.data.eq(self.write_data),
            write_port.en.eq(self.write_en),
        ]
        m.d.sync += [
            read_port.addr.eq(self.addr),
            read.eq(read_port.data),
            self.data.eq(read),
        ]

    def _block(self, m, name, width, low, write_en, bank):
        """One DP16KD for bits ``low`` to ``low + width`` of a bank."""
        assert READ_LATENCY == 3
        bits = min(width, self.width - low)
        # Addresses count bits: that of a word of 9 bits starts at pin 3, that of 36 at pin 5.
        skip = width.bit_length() - 1
        ports = {}
        for port, addr in (("A", self.write_addr), ("B", self.addr)):
            aligned = Cat(C(0, skip), addr)
            for n in range(14):
                ports[f"i_AD{port}{n}"] = aligned[n] if n < len(aligned) else Const(0, 1)
            ports |= {
                f"p_DATA_WIDTH_{port}": width,
                f"p_REGMODE_{port}": "OUTREG",
                f"p_WRITEMODE_{port}": "NORMAL",
                f"p_CSDECODE_{port}": "0b000",
                f"i_CLK{port}": ClockSignal(),
                f"i_CE{port}": Const(1, 1),
                f"i_OCE{port}": Const(1, 1),
                f"i_RST{port}": Const(0, 1),
                f"i_WE{port}": write_en if port == "A" else Const(0, 1),
                **{f"i_CS{port}{n}": Const(0, 1) for n in range(3)},
            }
        # Write enables of the bytes.
        ports |= {f"i_ADA{n}": Const(1, 1) for n in range(width // 9 if width > 9 else 0)}
        ports |= {f"i_DI{_data_pin('A', n)}": self.write_data[low + n] for n in range(bits)}
        read = "A" if width == _WIDEST else "B"
        ports |= {f"o_DO{_data_pin(read, n)}": bank[low + n] for n in range(bits)}
        m.submodules[name] = Instance("DP16KD", p_GSR="DISABLED", p_RESETMODE="SYNC", **ports)


def _data_pin(port: str, bit: int) -> str:
    """Pin of a bit of the word: the 36 bits of the widest one are on port A, then on port B."""
    return f"{port}{bit}" if bit < 18 else f"B{bit - 18}"


def block_width(width: int, words: int) -> int:
    """Bits of the port of a block that holds some bits of all ``words`` of ``width`` bits."""
    if width >= _WIDE and words <= _FEW_WORDS:
        return _WIDEST
    return max(bits for bits, depth in _DEPTHS.items() if depth >= words)


def group_bits(width: int, depth: int) -> int:
    """Bits of a group of a `WeightMemory`: as few as make `WEIGHTS_LATENCY` groups, or twice as
    many where groups then take fewer blocks.

    Only of memories in banks of fewer words than the deepest block: there a group may leave most of
    the block that holds the rest empty.
    """

    def count(bits: int) -> int:
        """Blocks of all groups."""
        groups, rest = divmod(width, bits)
        return groups * blocks(bits, depth) + (blocks(rest, depth) if rest else 0)

    few = 4 * ceil_div(width, 4 * WEIGHTS_LATENCY)
    if bank_words(few, depth) == max(_DEPTHS.values()):
        return few
    return min((few, 2 * few), key=count)


def blocks(width: int, depth: int, words: int | None = None) -> int:
    """Block RAMs of a `DualPortMemory` in banks of ``words``; None for those of `bank_words`."""
    banks, rest = divmod(depth, words or bank_words(width, depth))
    count = banks * ceil_div(width, block_width(width, words or bank_words(width, depth)))
    return count + (ceil_div(width, block_width(width, rest)) if rest else 0)


def bank_words(width: int, depth: int) -> int:
    """Words of each bank but the last, which has the rest: a power of two, with few blocks."""
    # At most one bank and the rest, unless no block is deep enough.
    deepest = max(_DEPTHS.values())
    possible = [words for words in _DEPTHS.values() if 2 * words > min(depth, deepest)]
    # The deepest of equals, for it has the fewest banks.
    return min(sorted(possible, reverse=True), key=lambda words: blocks(width, depth, words))


class WeightMemory(DualPortMemory):
    """`celosia_hw.cells.portable.WeightMemory`, whose blocks are spread over the device.

    The blocks form up to `WEIGHTS_LATENCY` groups of bits. A written word passes from group to
    group, one per cycle, because wires to all of them would be too long.
    """

    def elaborate(self, platform):
        m = Module()
        step = group_bits(self.width, self.depth)
        write_addr, write_data, write_en = self.write_addr, self.write_data, self.write_en
        for low in range(0, self.width, step):
            bits = min(step, self.width - low)
            m.submodules[f"group_{low}"] = group = DualPortMemory(bits, self.depth)
            m.d.comb += [group.addr.eq(self.addr), self.data[low : low + bits].eq(group.data)]
            # The rest of the word is delayed for the groups after this one.
            m.d.sync += [
                group.write_addr.eq(write_addr),
                group.write_data.eq(write_data),
                group.write_en.eq(write_en),
            ]
            write_addr, write_en = group.write_addr, group.write_en
            if bits < len(write_data):
                rest = Signal(len(write_data) - bits, name=f"rest_{low}", reset_less=True)
                m.d.sync += rest.eq(write_data[bits:])
                write_data = rest
        return m
