"""Gowin GW1N and GW2A: MULT9X9 and MULT18X18 with their registers.

Both are instantiated, because Yosys moves no registers into either. Ports and parameters: Gowin
UG287 (DSP). Simulation models: `celosia_hw.cells.models`.

Memories are left to synthesis, which infers block RAM from the portable description and keeps the
last register in the fabric. It has to be there: nextpnr treats the output registers of the blocks
of GW1N-9C and GW2A-18C as faulty.
"""

from amaranth import *

from celosia.spec.timing import PRODUCT_LATENCY

from . import portable
from .portable import DualPortMemory, Product32, Queue, RowMemories, WeightMemory, bits
from .ports import BlockProducts

__all__ = [
    "DualPortMemory",
    "Product16",
    "Product32",
    "Products",
    "Queue",
    "RowMemories",
    "WeightMemory",
    "bits",
]


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
