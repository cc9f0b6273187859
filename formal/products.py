"""Proofs of the product and of its rounding, in integers: the other half of the requantizer's.

SymbiYosys leaves products open (`formal.requantizers`); what it assumes of them is proven here,
by Z3, of the integers that the operands may be.
"""

import z3

from celosia.spec import Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN

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


#: Bits in which nothing of a formula wraps.
_BITS = 100


def _rounding(mistake: str | None) -> dict[str, z3.BoolRef]:
    """`celosia.numerics.requantize.rescale` is ``(q >> r) + q[r - 1]``, of every product ``p``.

    ``q`` is what the engine shifts: of DOUBLE with a negative shift half of 2**31 away from zero.
    """
    p, negative = z3.BitVec("p", _BITS), z3.Bool("negative")
    product = z3.And(-_MOST <= p, p <= _MOST, z3.If(negative, p <= 0, p >= 0))
    away = z3.If(negative, z3.BitVecVal(-1, _BITS), z3.BitVecVal(1, _BITS)) << 30
    found = {}
    for shift in range(SHIFT_MIN, SHIFT_MAX + 1):
        r = 31 - shift
        single = (p + (1 << (r - 1))) >> r
        theorem = z3.Implies(product, _low(single) == _low(_shifted(p, r)))
        found[f"{Rounding.SINGLE.name}, shift {shift}"] = theorem
        # What is shifted left has 32 bits before and after, so its product is one, too.
        left, e = max(shift, 0), max(-shift, 0)
        v = ((p << left) + (1 << 30)) >> 31
        if e:
            v = (v + (1 << (e - 1)) - z3.If(v < 0, z3.BitVecVal(1, _BITS), 0)) >> e
        fits = z3.And(-_MOST <= p << left, p << left <= _MOST)
        q = p + away if e and mistake != "away" else p
        theorem = z3.Implies(z3.And(product, fits), _low(v) == _low(_shifted(q, r)))
        found[f"{Rounding.DOUBLE.name}, shift {shift}"] = theorem
    return found


def _shifted(q: z3.BitVecRef, r: int) -> z3.BitVecRef:
    return (q >> r) + z3.ZeroExt(_BITS - 1, z3.Extract(r - 1, r - 1, q))


def _low(value: z3.BitVecRef) -> z3.BitVecRef:
    return z3.Extract(31, 0, value)


PROOFS = [
    Proof(
        name="requantizer-products",
        claim="four products of 16 bits make one of 32; range and sign of a product",
        blocks="postprocess.Requantizer",
        build=_theorems,
        depth=0,
        mistakes=("middle",),
    ),
    Proof(
        name="requantizer-rounding",
        claim="both roundings are a shift, rounded by the highest bit lost, for all 62 shifts",
        blocks="postprocess.Requantizer",
        build=_rounding,
        depth=0,
        mistakes=("away",),
    ),
]
