"""Proofs of the product, in integers: the other half of the requantizer's proofs.

SymbiYosys leaves products open (`formal.requantizers`); what it assumes of them is proven here,
by Z3, of the integers that the operands may be.
"""

import z3

from .proof import Proof

__all__ = ["PROOFS"]

_MOST = 2**31 * (2**31 - 1)


def _theorems(mistake: str | None) -> dict[str, z3.BoolRef]:
    """Name of each theorem: what holds for all operands; with a ``mistake`` it does not."""
    a, b = z3.Ints("a b")
    a_high, a_low, b_high, b_low = z3.Ints("a_high a_low b_high b_low")
    operands = z3.And(-(2**31) <= a, a < 2**31, 0 <= b, b < 2**31)
    parts = z3.And(
        a == 2**16 * a_high + a_low,
        b == 2**16 * b_high + b_low,
        *(bound for low in (a_low, b_low) for bound in (low >= 0, low < 2**16)),
    )
    middle = 2**15 if mistake == "middle" else 2**16
    composed = a_low * b_low + middle * (a_low * b_high + a_high * b_low) + 2**32 * a_high * b_high
    return {
        "four products of 16 bits make one of 32": z3.Implies(parts, a * b == composed),
        "the parts of 32 bits are 16 bits wide": z3.Implies(
            z3.And(operands, parts),
            z3.And(-(2**15) <= a_high, a_high < 2**15, 0 <= b_high, b_high < 2**15),
        ),
        "a product is at most 2**31 * (2**31 - 1)": z3.Implies(
            operands, z3.And(-_MOST <= a * b, a * b <= _MOST)
        ),
        "a product has the sign of its signed operand, or is 0": z3.Implies(
            operands, z3.If(a < 0, a * b <= 0, a * b >= 0)
        ),
    }


PROOFS = [
    Proof(
        name="requantizer-products",
        claim="four products of 16 bits make one of 32; range and sign of a product",
        blocks="postprocess.Requantizer",
        build=_theorems,
        depth=0,
        mistakes=("middle",),
    ),
]
