"""Lattice ECP5, two int8 products from one MULT18X18D: an array twice as large as its multipliers.

Two rows share the weight of a column. One operand holds both activations, ``u1 * 2**10 + u0``,
as wide as the multiplier, so the product is ``u1 * w * 2**10 + u0 * w``. Both parts are 16 bits:
they overlap in 6. With ``f = floor(u0 * w / 2**10)``, which has just these 6 bits (-32..31),

    product >> 10  ==  u1 * w + f        so        f  ==  (product >> 10) - u1 * w   (mod 64)

and 6 bits of ``u1 * w`` need only 6 bits of either factor: a small multiplier of logic finds them
while the block works, and what is left is the carry of their difference into the bits above. Then
``u0 * w = f * 2**10 + product mod 2**10``, exact for all 2**24 operands (`celosia.model.packed`).
"""

from amaranth import *

from celosia.spec import Config
from celosia.spec.packed import OVERLAP, PRODUCT, SHIFT
from celosia.spec.timing import PRODUCT_LATENCY

from .ecp5 import (
    DualPortMemory,
    Product16,
    Product32,
    Queue,
    RowMemories,
    WeightMemory,
    bits,
    multiplier,
)
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
    """`celosia_hw.cells.portable.Products`, a MULT18X18D for two rows; an odd last row has its own.

    Input register, output register, then the correction.
    """

    def __init__(self, config: Config):
        super().__init__(config)
        self.rows, self.cols = config.rows, config.cols

    def elaborate(self, platform):
        m = Module()
        assert PRODUCT_LATENCY == 3
        # What the correction needs of the operands, beside the multipliers' own registers.
        low_u = [Signal(OVERLAP, name=f"low_u_{row}", reset_less=True) for row in range(self.rows)]
        low_w = [Signal(OVERLAP, name=f"low_w_{col}", reset_less=True) for col in range(self.cols)]
        m.d.sync += [low.eq(u) for low, u in zip(low_u, self.u, strict=True)]
        m.d.sync += [low.eq(w) for low, w in zip(low_w, self.w, strict=True)]
        for col in range(self.cols):
            for row in range(0, self.rows - 1, 2):
                self._pair(m, row, col, low_u[row + 1], low_w[col])
            if self.rows % 2:
                row = self.rows - 1
                product = Signal.like(self.p[row, col], name=f"product_{row}_{col}")
                m.submodules[f"cell_{row}_{col}"] = multiplier(self.u[row], self.w[col], product)
                m.d.sync += self.p[row, col].eq(product)
        return m

    def _pair(self, m, row, col, low_u, low_w):
        """The products of ``row`` and the row after it with the weight of ``col``."""
        where = f"{row}_{col}"
        product = Signal(signed(SHIFT + PRODUCT), name=f"product_{where}")
        m.submodules[f"pair_{where}"] = multiplier(
            Cat(self.u[row], C(0, SHIFT - len(self.u[row])), self.u[row + 1]),
            self.w[col],
            product,
        )
        # The small multiplier in two parts, added a cycle later: wires from the operands are long.
        half = OVERLAP // 2
        of_low = Signal(OVERLAP, name=f"low_{where}", reset_less=True)
        of_high = Signal(OVERLAP - half, name=f"high_{where}", reset_less=True)
        m.d.sync += [
            of_low.eq(low_u[:half] * low_w),
            of_high.eq(low_u[half:] * low_w[: OVERLAP - half]),
        ]
        low = Cat(of_low[:half], (of_low[half:] + of_high)[: OVERLAP - half])
        upper = product[SHIFT:]
        f = Signal(signed(OVERLAP + 1), name=f"f_{where}")
        m.d.comb += f.eq(upper[:OVERLAP] - low)
        # Where ``f`` does not fit its bits, it is 2**OVERLAP more or less: 1 in the bits above.
        below, above = f[-1] & ~f[-2], f[-2] & ~f[-1]
        carry = Cat(below | above, below).as_signed()
        m.d.sync += [
            self.p[row, col].eq(Cat(product[:SHIFT], f[:OVERLAP])),
            self.p[row + 1, col].eq(Cat(low, upper[OVERLAP:] + carry)),
        ]
