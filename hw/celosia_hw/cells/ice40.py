"""Lattice iCE40 UltraPlus: SB_MAC16, each for two int8 products, and SB_SPRAM256KA.

A UP5K has 8 of the first and 4 of the second. Multipliers have registers at inputs and outputs,
because nextpnr times every pin of a block as that of a register. Block RAM is left to synthesis,
which infers it from the portable description.

Memories delay the address and not the data: an address has fewer bits, and in these devices a
register without logic in front of it takes a whole logic cell.

Synthesize without ``-dsp``: that pass of Yosys overwrites the parameters of every SB_MAC16, also of
an instantiated one (YosysHQ/yosys issue 2922), and the products are wrong.

Ports and parameters: Lattice TN1295 (DSP) and TN1314 (SPRAM). Yosys has simulation models of both.
"""

from amaranth import *
from amaranth.utils import ceil_log2

from celosia.spec.timing import PRODUCT32_LATENCY, PRODUCT_LATENCY, READ_LATENCY
from celosia_hw.util.delay import delay

from . import portable
from .ice40_queue import Queue
from .portable import CHAINED, GATED, RowMemories, bits, copies, delay_line, kept_sum
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

#: Bits and words of an SB_SPRAM256KA, and their number in a device.
_SPRAM_WIDTH, _SPRAM_DEPTH, _SPRAMS = 16, 16384, 4
#: Words of a block RAM of the same width. A memory of this depth takes no more block RAMs than
#: SB_SPRAM256KA.
_BLOCK_RAM_DEPTH = 256


class Products(BlockProducts):
    """`celosia_hw.cells.portable.Products`, an SB_MAC16 for two cells; an odd last one has its own.

    Its latency is that of the input registers, of the registers after the multiplier, and of the
    accumulator, which adds 0.
    """

    def elaborate(self, platform):
        m = Module()
        assert PRODUCT_LATENCY == 3
        parameters = {"MODE_8x8": Const(1, 1), "B_SIGNED": Const(1, 1)}
        for half in ("TOP", "BOT"):
            parameters |= {
                f"{half}_8x8_MULT_REG": Const(1, 1),
                f"{half}ADDSUB_LOWERINPUT": Const(1, 2),  # the product,
                f"{half}ADDSUB_UPPERINPUT": Const(1, 1),  # plus C or D, which are 0,
                f"{half}OUTPUT_SELECT": Const(1, 2),  # registered
            }
        cells = list(self.p)
        for start in range(0, len(cells), 2):
            pair = cells[start : start + 2]
            p = Signal(32, name=f"pair_{start}")
            m.submodules[f"multiplier_{start}"] = _multiplier(
                Cat(self.u[cell] for cell in pair),
                Cat(self.w[col] for _, col in pair),
                p,
                parameters,
            )
            m.d.comb += Cat(self.p[cell] for cell in pair).eq(p)
        return m


class Product16(portable.Product16):
    """`celosia_hw.cells.portable.Product16`, made of an SB_MAC16."""

    def elaborate(self, platform):
        m = Module()
        parameters = {
            "A_SIGNED": Const(self.signed_a, 1),
            "PIPELINE_16x16_MULT_REG2": Const(1, 1),
            "TOPOUTPUT_SELECT": Const(3, 2),  # the product of 16 by 16 bits
            "BOTOUTPUT_SELECT": Const(3, 2),
        }
        m.submodules.multiplier = _multiplier(self.a, self.b, self.p, parameters)
        return m


class Product32(portable.Product32):
    """`celosia_hw.cells.portable.Product32`, made of a chain of four SB_MAC16.

    Each adds its partial product of 16 by 16 bits to the sum of those before it. The sum needs no
    input register, because it is registered in the block before.
    """

    def elaborate(self, platform):
        m = Module()
        assert PRODUCT32_LATENCY == 5
        carried, parts = Const(0, 32), []
        for upper_a, upper_b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            parameters = {"A_SIGNED": Const(upper_a, 1), "TOPADDSUB_CARRYSELECT": Const(2, 2)}
            for half in ("TOP", "BOT"):
                parameters |= {
                    f"{half}ADDSUB_LOWERINPUT": Const(2, 2),  # the product of 16 by 16 bits,
                    f"{half}ADDSUB_UPPERINPUT": Const(1, 1),  # plus C or D,
                    f"{half}OUTPUT_SELECT": Const(1, 2),  # registered
                }
            part = Signal(32, name=f"part_{upper_a}{upper_b}")
            m.submodules[f"multiplier_{upper_a}{upper_b}"] = _multiplier(
                self.a.as_unsigned().word_select(upper_a, 16),
                self.b.word_select(upper_b, 16),
                part,
                parameters,
                carried,
            )
            parts.append(part)
            # The third part has the weight of the second; it may be negative only if `a` is.
            sign = self.a[-1] & part[-1] & upper_a
            carried = part if upper_b and not upper_a else Cat(part[16:], sign.replicate(16))
        low, _, middle, high = parts
        m.d.comb += self.p.eq(Cat(low[:16], middle[:16], high))
        return m


def _multiplier(
    a: Value, b: Value, o: Value, parameters: dict[str, Const], added: Value | None = None
) -> Instance:
    """An SB_MAC16 with registers at ``a`` and ``b``; ``added`` goes to C and D, all else is 0."""
    added = Const(0, 32) if added is None else added
    unused = [*("CHOLD", "AHOLD", "BHOLD", "DHOLD", "OHOLDTOP", "OHOLDBOT")]
    unused += [*("IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT", "OLOADTOP", "OLOADBOT")]
    unused += [*("ADDSUBTOP", "ADDSUBBOT", "CI", "ACCUMCI", "SIGNEXTIN")]
    return Instance(
        "SB_MAC16",
        p_A_REG=Const(1, 1),
        p_B_REG=Const(1, 1),
        **{f"p_{name}": value for name, value in parameters.items()},
        i_CLK=ClockSignal(),
        i_CE=Const(1, 1),
        i_A=_padded(a, 16),
        i_B=_padded(b, 16),
        i_C=added[16:],
        i_D=added[:16],
        **{f"i_{name}": Const(0, 1) for name in unused},
        o_O=o,
    )


class DualPortMemory(portable.DualPortMemory):
    """`celosia_hw.cells.portable.DualPortMemory`, whose latency is that of a delayed address."""

    def elaborate(self, platform):
        m = Module()
        read_port = self.ports(m)
        m.d.comb += [read_port.addr.eq(self.delayed(m)), self.data.eq(read_port.data)]
        return m

    def delayed(self, m: Module) -> Value:
        """`addr`, delayed to the cycle before its data."""
        return delay(m, self.addr, READ_LATENCY - 1, name="addr")


class WeightMemory(DualPortMemory):
    """`celosia_hw.cells.portable.WeightMemory`, made of SB_SPRAM256KA in banks of 16,384 words.

    Of block RAM instead, where that takes no more blocks, or where a device has too few
    SB_SPRAM256KA.
    """

    def elaborate(self, platform):
        starts = range(0, self.depth, _SPRAM_DEPTH)
        lows = range(0, self.width, _SPRAM_WIDTH)
        if self.depth <= _BLOCK_RAM_DEPTH or len(starts) * len(lows) > _SPRAMS:
            return super().elaborate(platform)

        m = Module()
        addr = Signal.like(self.addr, name="either_addr")
        m.d.comb += addr.eq(Mux(self.write_en, self.write_addr, self.delayed(m)))
        within = ceil_log2(_SPRAM_DEPTH)  # bits of an address in its bank
        bank = addr[within:]
        read_bank = Signal(range(len(starts)), reset_less=True)  # of the word at `data`
        m.d.sync += read_bank.eq(bank)
        for n in range(len(starts)):
            data = Signal(_SPRAM_WIDTH * len(lows), name=f"data_{n}")
            for low in lows:
                part = slice(low, low + _SPRAM_WIDTH)
                m.submodules[f"block_{n}_{low}"] = Instance(
                    "SB_SPRAM256KA",
                    i_CLOCK=ClockSignal(),
                    i_ADDRESS=_padded(addr[:within], within),
                    i_CHIPSELECT=bank == n,
                    i_WREN=self.write_en,
                    i_MASKWREN=Const(0b1111, 4),
                    i_DATAIN=_padded(self.write_data[part], _SPRAM_WIDTH),
                    i_STANDBY=Const(0, 1),
                    i_SLEEP=Const(0, 1),
                    i_POWEROFF=Const(1, 1),  # active low
                    o_DATAOUT=data[part],
                )
            with m.If(read_bank == n):
                m.d.comb += self.data.eq(data)
        return m


def _padded(value: Value, width: int) -> Value:
    """``value`` with zeros above it, ``width`` bits."""
    return Cat(value, Const(0, width - len(value)))
