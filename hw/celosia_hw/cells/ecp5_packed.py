"""Lattice ECP5 with DSP packing: two int8 products from one MULT18X18D.

Two rows of the array share the weight of a column. One operand holds both activations, ``u1 * 2**10
+ u0``, all 18 bits of it, so the product is ``u1 * w * 2**10 + u0 * w``. Both terms have 16 bits
and overlap in 6. With ``f = floor(u0 * w / 2**10)``, a number of 6 bits (-32..31),

    product >> 10  ==  u1 * w + f        so        f  ==  (product >> 10) - u1 * w   (mod 64)

and the low 6 bits of ``u1 * w`` depend only on the low 6 bits of either factor: a small multiplier
of LUTs computes them while the block multiplies. What remains is the carry of that difference into
the upper bits of ``u1 * w``. Then ``u0 * w = f * 2**10 + product mod 2**10``. Both products are
exact for all 2**24 triples of operands, bit by bit as in `celosia.model.packed`.

Where the requantizers and the array need more multipliers than a device has, the products of the
last columns are of LUTs (`celosia.spec.packed.lut_columns`).
"""

from amaranth import *

from celosia.spec import Config
from celosia.spec.packed import OVERLAP, PRODUCT, SHIFT, lut_columns
from celosia.spec.timing import PRODUCT_LATENCY

from .ecp5 import (
    CHAINED,
    GATED,
    DualPortMemory,
    Product16,
    Product32,
    Queue,
    RowMemories,
    WeightMemory,
    bits,
    copies,
    delay_line,
    multiplier,
)
from .ecp5_lut_product import add, add_kept, lut_product, times_two_bits
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


def kept_sum(m: Module, name: str, product: Value, before: Value, keep: Value) -> Value:
    """``product + (before if keep else 0)``, with the width of ``before``.

    The adder of a CCU2C has an input to spare for ``keep``. A reset of the register instead is a
    signal that all flip-flops of a tile share: the many sums of a large array then fill no tile.
    ``name`` : of the submodules, which are called ``name`` and a number.
    """
    total = Signal(len(before), name=f"total_{name}")
    widened = Cat(product, product[-1].replicate(len(before) - len(product)))
    add_kept(m, name, widened, before, keep, total)
    return total


#: Bits of an activation's low ones that the first part is the product of.
_OF_LOW = 2


class Products(BlockProducts):
    """`celosia_hw.cells.portable.Products`, a MULT18X18D for two rows; an odd last row has its own.

    Its latency is that of the input register, the output register, and that of the correction.
    """

    def __init__(self, config: Config):
        super().__init__(config)
        self.rows, self.cols = config.rows, config.cols
        self.first_of_luts = config.cols - lut_columns(config)

    def elaborate(self, platform):
        m = Module()
        assert PRODUCT_LATENCY == 3
        # Low bits of the operands for the correction, beside the registers in the multipliers.
        low_u: dict[str, Signal] = {}
        for u in self.u.values():
            if u.name not in low_u:
                low_u[u.name] = low = Signal(OVERLAP, name=f"low_{u.name}", reset_less=True)
                m.d.sync += low.eq(u)
        low_w = [Signal(OVERLAP, name=f"low_w_{col}", reset_less=True) for col in range(self.cols)]
        m.d.sync += [low.eq(w) for low, w in zip(low_w, self.w, strict=True)]
        self._of_luts(m)
        for col in range(self.first_of_luts):
            for row in range(0, self.rows - 1, 2):
                self._pair(m, row, col, low_u[self.u[row + 1, col].name], low_w[col])
            if self.rows % 2:
                row = self.rows - 1
                product = Signal.like(self.p[row, col], name=f"product_{row}_{col}")
                u, w = self.u[row, col], self.w[col]
                multiplier(m, f"cell_{row}_{col}", u, w, product)
                m.d.sync += self.p[row, col].eq(product)
        return m

    def _of_luts(self, m):
        """The products of columns from `first_of_luts` on."""
        registered: dict[str, Signal] = {}
        for (row, col), p in self.p.items():
            if col < self.first_of_luts:
                continue
            here = {"u": self.u[row, col], "w": self.w[col]}
            for operand in here.values():
                if operand.name not in registered:
                    name = f"registered_{operand.name}"
                    registered[operand.name] = Signal.like(operand, name=name, reset_less=True)
                    m.d.sync += registered[operand.name].eq(operand)
            u, w = (registered[operand.name] for operand in here.values())
            lut_product(m, f"luts_{row}_{col}", u, w, p)

    def _pair(self, m, row, col, low_u, low_w):
        """Compute the products of ``row`` and the row after it with the weight of ``col``.

        ``low_u`` are the low bits of the activation of the row after ``row``, ``low_w`` those of
        the weight.
        """
        where = f"{row}_{col}"
        first, second = self.u[row, col], self.u[row + 1, col]
        product = Signal(signed(SHIFT + PRODUCT), name=f"product_{where}")
        both = Cat(first, C(0, SHIFT - len(first)), second)
        multiplier(m, f"pair_{where}", both, self.w[col], product)
        # Low bits of the product of the second row, in two parts which are added a cycle later:
        # wires from the operands are long.
        half = OVERLAP - _OF_LOW
        of_low = Signal(OVERLAP, name=f"low_{where}")
        of_high = Signal(half, name=f"high_{where}")
        times_two_bits(m, f"low_{where}", low_w, low_u[0], low_u[1], of_low)
        times_two_bits(m, f"high_{where}", low_w[:half], low_u[2], low_u[3], of_high)
        # The two highest bits of the activation only reach the two highest of the sum.
        rest = (low_w[:2] * low_u[4:])[:2]
        low, high = (Signal.like(part, reset_less=True) for part in (of_low, of_high))
        m.d.sync += [low.eq(of_low), high.eq(Cat(of_high[:2], (of_high[2:] + rest)[:2]))]
        upper_low = Signal(half, name=f"upper_low_{where}")
        add(m, f"upper_low_{where}", low[_OF_LOW:], high, upper_low)
        low = Cat(low[:_OF_LOW], upper_low)
        upper = product[SHIFT:]
        f = Signal(signed(OVERLAP + 1), name=f"f_{where}")
        m.d.comb += f.eq(upper[:OVERLAP] - low)
        # Where the difference is not in -32..31, it is 2**OVERLAP off: 1 in the upper bits.
        below, above = f[-1] & ~f[-2], f[-2] & ~f[-1]
        carry = Cat(below | above, below).as_signed()
        m.d.sync += [
            self.p[row, col].eq(Cat(product[:SHIFT], f[:OVERLAP])),
            self.p[row + 1, col].eq(Cat(low, upper[OVERLAP:] + carry)),
        ]
