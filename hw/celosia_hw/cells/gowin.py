"""Gowin GW1N and GW2A: MULT9X9 and MULT18X18 with their registers.

Both are instantiated, because Yosys moves no registers into either. Ports and parameters: Gowin
UG287 (DSP). Simulation models: `celosia_hw.cells.models`.

A flip-flop takes its input from the LUT beside it. One without logic before it has to itself the
place of a LUT, and of these a device has few more than flip-flops: what is only delayed is made of
anything else. Memories delay the address and not the data, delay lines are RAM of LUTs, and the
copy of a tile's sums, which moves through logic, is shifted.

Memories are left to synthesis, which infers block RAM, and RAM of LUTs from reads without a clock.
Registers of the blocks' outputs are not used: nextpnr treats those of GW1N-9C and GW2A-18C as
faulty. Synthesis makes a memory of blocks of one shape, so one whose words are a little more than a
block has is described as two.
"""

from amaranth import *
from amaranth.lib import memory

from celosia.spec import ceil_div
from celosia.spec.timing import PRODUCT_LATENCY, READ_LATENCY
from celosia_hw.util.delay import delay

from . import portable
from .portable import Product32, Queue, RowMemories, bits, copies, kept_sum
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
]

#: See `celosia_hw.cells.portable`.
GATED, CHAINED = False, True
#: Words of a RAM of LUTs.
_LUT_RAM = 16
#: Width of a port of a block in bits -> its words, when one port writes and the other reads.
_DEPTHS = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512}


def delay_line(m: Module, name: str, value: Value, cycles: int) -> Value:
    """`celosia_hw.cells.portable.delay_line`, of rings in RAM of LUTs with a register behind."""
    number = 0
    while cycles > 2:
        words = min(cycles - 1, _LUT_RAM)
        later = Signal(value.shape(), name=f"{name}_{number}", reset_less=True)
        m.submodules[f"{name}_ring_{number}"] = ring = memory.Memory(
            shape=value.shape(), depth=words, init=[]
        )
        write_port, read_port = ring.write_port(), ring.read_port(domain="comb")
        place = Signal(range(words), name=f"{name}_place_{number}")
        # What is read is as old as the ring is long, and replaced in the same cycle.
        m.d.comb += [
            write_port.addr.eq(place),
            write_port.data.eq(value),
            write_port.en.eq(1),
            read_port.addr.eq(place),
        ]
        m.d.sync += [
            place.eq(Mux(place == words - 1, 0, place + 1)),
            later.eq(read_port.data),
        ]
        value, cycles, number = later, cycles - 1 - words, number + 1
    return delay(m, value, cycles, name=f"{name}_rest")


class Products(BlockProducts):
    """`celosia_hw.cells.portable.Products`, a MULT9X9 for every cell of the array."""

    def elaborate(self, platform):
        m = Module()
        assert PRODUCT_LATENCY == 3
        for (row, col), p in self.p.items():
            m.submodules[f"cell_{row}_{col}"] = _multiplier(
                9, self.u[row, col], self.w[col], p, pipelined=True
            )
        return m


class Product16(portable.Product16):
    """`celosia_hw.cells.portable.Product16`, made of a MULT18X18."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.multiplier = _multiplier(18, self.a, self.b, self.p, pipelined=False)
        return m


class DualPortMemory(portable.DualPortMemory):
    """`celosia_hw.cells.portable.DualPortMemory`, whose latency is that of a delayed address.

    Of few words a RAM of LUTs. Else of banks, each of as many words as a block has, and one of the
    smallest depth that holds the rest, where that takes fewer blocks.
    """

    def elaborate(self, platform):
        m = Module()
        addr = delay(m, self.addr, READ_LATENCY - 1, name="addr")
        if self.depth <= _LUT_RAM:
            m.submodules.storage = storage = memory.Memory(
                shape=self.width, depth=self.depth, init=[]
            )
            write_port, read_port = storage.write_port(), storage.read_port(domain="comb")
            m.d.comb += [
                write_port.addr.eq(self.write_addr),
                write_port.data.eq(self.write_data),
                write_port.en.eq(self.write_en),
                read_port.addr.eq(delay(m, addr, 1, name="read_addr")),
                self.data.eq(read_port.data),
            ]
            return m
        words = bank_words(self.width, self.depth)
        select = words.bit_length() - 1
        number = delay(m, addr[select:], 1, name="number")
        for n, start in enumerate(range(0, self.depth, words)):
            m.submodules[f"bank_{n}"] = bank = _Bank(self.width, min(words, self.depth - start))
            m.d.comb += [
                bank.addr.eq(addr),
                bank.write_addr.eq(self.write_addr),
                bank.write_data.eq(self.write_data),
                bank.write_en.eq(self.write_en & (self.write_addr[select:] == n)),
            ]
            with m.If(number == n):
                m.d.comb += self.data.eq(bank.data)
        return m


class _Bank(portable.DualPortMemory):
    """A memory of block RAM alone: ``data`` is the word at ``addr`` a cycle ago."""

    def elaborate(self, platform):
        m = Module()
        read_port = self.ports(m)
        m.d.comb += [read_port.addr.eq(self.addr), self.data.eq(read_port.data)]
        return m


#: Both ports are always there.
WeightMemory = DualPortMemory


def bank_words(width: int, depth: int) -> int:
    """Words of each bank of a memory: a power of two, with the fewest blocks. Of equals the deepest
    has the fewest banks; at least ``depth`` where one bank is enough."""
    return min(
        sorted(_DEPTHS.values(), reverse=True), key=lambda words: _blocks(width, depth, words)
    )


def _blocks(width: int, depth: int, words: int) -> int:
    """Blocks of a memory in banks of ``words``."""

    def of_bank(words: int) -> int:
        return ceil_div(width, max(bits for bits, held in _DEPTHS.items() if held >= words))

    banks, rest = divmod(depth, words)
    return banks * of_bank(words) + (of_bank(rest) if rest else 0)


def _multiplier(width: int, a: Value, b: Value, p: Signal, *, pipelined: bool) -> Instance:
    """A MULT9X9 or MULT18X18: ``p = a * b``, latency 3 cycles when ``pipelined``, else 2.

    It has registers at inputs and output, and when ``pipelined`` between them. ``a`` and ``b`` have
    up to ``width`` bits, each signed or unsigned.
    """
    ports = {}
    for name, value in (("A", a), ("B", b)):
        signed_, bits = value.shape().signed, Value.cast(value)
        padding = bits[-1] if signed_ else Const(0, 1)
        ports |= {
            f"i_{name}": Cat(bits, padding.replicate(width - len(bits))),
            f"i_{name}SIGN": Const(signed_, 1),
            f"i_{name}SEL": Const(0, 1),
            f"i_SI{name}": Const(0, width),
        }
    registers = {"AREG": 1, "BREG": 1, "PIPE_REG": pipelined, "OUT_REG": 1}
    # Signs are constants and need no registers. For gowin_pack only a single 0 means none.
    registers |= {"ASIGN_REG": 0, "BSIGN_REG": 0, "SOA_REG": 0}
    return Instance(
        f"MULT{width}X{width}",
        **{f"p_{name}": Const(used, 1) for name, used in registers.items()},
        p_MULT_RESET_MODE="SYNC",
        i_CLK=ClockSignal(),
        i_CE=Const(1, 1),
        i_RESET=Const(0, 1),
        **ports,
        o_DOUT=Cat(p, Signal(2 * width - len(p), name="unused")),
    )
