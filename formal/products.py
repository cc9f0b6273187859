"""Proofs of the product and of its rounding, in integers: the other half of the requantizer's.

SymbiYosys leaves products open (`formal.requantizers`); what it assumes of them is proven here,
by Z3, of the integers that the operands may be.
"""

import z3

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
_ONE = z3.BitVecVal(1, _BITS)
_SHIFTS = range(SHIFT_MIN, SHIFT_MAX + 1)


def _formulas(p: z3.BitVecRef, shift: int) -> tuple[z3.BitVecRef, z3.BitVecRef, z3.BoolRef]:
    """`celosia.numerics.requantize.rescale` of a product ``p``, SINGLE and DOUBLE, and of which
    products the latter is: what is shifted left has 32 bits before and after."""
    r, left, e = 31 - shift, max(shift, 0), max(-shift, 0)
    single = (p + (1 << (r - 1))) >> r
    double = ((p << left) + (1 << 30)) >> 31
    if e:
        double = (double + (1 << (e - 1)) - z3.If(double < 0, _ONE, 0)) >> e
    return single, double, z3.And(-_MOST <= p << left, p << left <= _MOST)


def _rounding(mistake: str | None) -> dict[str, z3.BoolRef]:
    """Both are ``(q >> r) + q[r - 1]``, of every product ``p``.

    ``q`` is what the engine shifts: of DOUBLE with a negative shift half of 2**31 away from zero.
    """
    p, negative = z3.BitVec("p", _BITS), z3.Bool("negative")
    product = z3.And(-_MOST <= p, p <= _MOST, z3.If(negative, p <= 0, p >= 0))
    away = z3.If(negative, -_ONE, _ONE) << 30
    found = {}
    for shift in _SHIFTS:
        single, double, fits = _formulas(p, shift)
        q = p + away if shift < 0 and mistake != "away" else p
        found |= {
            f"SINGLE, shift {shift}": z3.Implies(product, _same(_shifted(p, 31 - shift), single)),
            f"DOUBLE, shift {shift}": z3.Implies(
                z3.And(product, fits), _same(_shifted(q, 31 - shift), double)
            ),
        }
    return found


def _turns(mistake: str | None) -> dict[str, z3.BoolRef]:
    """The same of three products in turn, as `formal.multicycle` has them.

    ``p`` is the second one. Of SINGLE with a left shift it is that of the upper half of what is
    shifted left, and ``q`` that of the lower half: together ``p * 2**31 + q``.
    """
    p, q, product = z3.BitVecs("p q product", _BITS)
    found = {}
    for shift in _SHIFTS:
        e = max(-shift, 0)
        single, double, fits = _formulas(p, shift)
        fits = z3.And(-_MOST <= p, p <= _MOST, fits)
        for name, formula, twice in (("SINGLE", single, False), ("DOUBLE", double, True)):
            if not twice and shift > 0:
                formula, _, _ = _formulas(product, shift)
                parts = z3.And(-_MOST <= product, product <= _MOST, 0 <= q, q <= _MOST)
                parts = z3.And(parts, -_MOST <= p, p <= _MOST, (p << 31) + q == product << shift)
                found[f"{name}, shift {shift}"] = z3.Implies(
                    parts, _same(p + _shifted(q, 31), formula)
                )
                continue
            v = p << shift if shift > 0 else p
            third = (_shifted(v, 31) if twice or shift == 0 else v >> 31) << (31 - e)
            # A tie of a negative one goes away from zero.
            tie = z3.And(third < 0, z3.Extract(29, 0, third) == 0)
            up = (
                z3.If(tie, 0 * _ONE, _bit(third, 30))
                if twice and mistake is None
                else _bit(third, 30)
            )
            found[f"{name}, shift {shift}"] = z3.Implies(fits, _same((third >> 31) + up, formula))
    return found


def _bit(value: z3.BitVecRef, place: int) -> z3.BitVecRef:
    return z3.ZeroExt(_BITS - 1, z3.Extract(place, place, value))


def _shifted(q: z3.BitVecRef, r: int) -> z3.BitVecRef:
    return (q >> r) + _bit(q, r - 1)


def _same(a: z3.BitVecRef, b: z3.BitVecRef) -> z3.BoolRef:
    """In 32 bits."""
    return z3.Extract(31, 0, a) == z3.Extract(31, 0, b)


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
    Proof(
        name="requantizer-turns",
        claim="three products in turn make the formula, for all 62 shifts and both roundings",
        blocks="postprocess.MulticycleRequantizer",
        build=_turns,
        depth=0,
        mistakes=("tie",),
    ),
]
