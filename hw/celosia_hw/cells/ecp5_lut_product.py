"""Products of 8 bits from the carry chains of an ECP5, without a multiplier.

A CCU2C is two bits of an adder, each with a function of four inputs before it: it adds one bit of
``u & a`` and one of ``u & b`` (Lattice FPGA-TN-02200, ripple mode; Yosys's model of the cell). So a
chain of ten bits is the product with two bits of a weight, and Yosys, which has the conjunctions in
LUTs of their own, needs twice as many.
"""

from collections.abc import Sequence

from amaranth import *

from celosia.spec.timing import PRODUCT_LATENCY

__all__ = ["add", "add_kept", "lut_product", "times_two_bits"]

#: Functions of (a, b, c, d), as in parameter INIT: bit ``a + 2 * b + 4 * c + 8 * d``. The carry out
#: is the carry in where the function is 1, else the function's value for c = d = 0.
_ADD = 0x7888  # (a & b) ^ (c & d)
_SUBTRACT = 0x8777  # ~(a & b) ^ (c & d)
#: With c = 1 and the others 0: a carry out of 1.
_CARRY = 0x000F  # ~c & ~d

_Bit = tuple[int, Value, Value, Value, Value]


def lut_product(m: Module, name: str, u: Value, w: Value, p: Signal) -> None:
    """``p = u * w`` of operands that are registered already; `PRODUCT_LATENCY` - 1 cycles later.

    Parameters
    ----------
    name : of the submodules, which are called ``name`` and a number.
    u : 8 bits, unsigned.
    w : 8 bits, signed.
    p : 16 bits, a register.
    """
    assert PRODUCT_LATENCY == 3
    parts = []
    for low in range(0, 8, 2):
        part = Signal(10, name=f"{name}_part_{low}")
        _times(m, f"{name}_{low}", u, w[low], w[low + 1], part, signed=low == 6)
        parts.append(part)
    # Each of the products with half a weight, and then both.
    lower = Signal(12, name=f"{name}_lower", reset_less=True)
    upper = Signal(signed(12), name=f"{name}_upper", reset_less=True)
    m.d.sync += [
        lower.eq(Cat(parts[0][:2], (parts[0][2:] + parts[1])[:10])),
        upper.eq(Cat(parts[2][:2], (parts[2][2:] + parts[3].as_signed())[:10])),
        p.eq(Cat(lower[:4], (lower[4:] + upper)[:12])),
    ]


def add(m: Module, name: str, a: Value, b: Value, total: Signal) -> None:
    """``total = a + b`` modulo 2**n, combinational, of n bits, an even number of them.

    Yosys makes sums of few bits of LUTs without carry chains, which takes more of them.
    ``name`` : of the submodules, which are called ``name`` and a number.
    """
    one, each = C(1, 1), zip(a, b, strict=True)
    _chain(m, name, [(_ADD, bit_a, one, bit_b, one) for bit_a, bit_b in each], total)


def add_kept(m: Module, name: str, a: Value, b: Value, keep: Value, total: Signal) -> None:
    """``total = a + (b if keep else 0)`` modulo 2**n, combinational, of n bits, an even number of
    them. ``name`` : of the submodules, which are called ``name`` and a number.
    """
    one, each = C(1, 1), zip(a, b, strict=True)
    _chain(m, name, [(_ADD, bit_a, one, bit_b, keep) for bit_a, bit_b in each], total)


def times_two_bits(
    m: Module, name: str, u: Value, low: Value, high: Value, product: Signal
) -> None:
    """``product = u * (2 * high + low)`` modulo 2**n, combinational.

    Parameters
    ----------
    name : of the submodules, which are called ``name`` and a number.
    u : n bits.
    low, high : a bit each.
    product : n bits, an even number of them.
    """
    ones, twos = list(u), [C(0, 1), *u[:-1]]
    each = zip(ones, twos, strict=True)
    _chain(m, name, [(_ADD, one, low, two, high) for one, two in each], product)


def _times(
    m: Module, name: str, u: Value, low: Value, high: Value, product: Signal, *, signed: bool
) -> None:
    """``product = u * (2 * high + low)``, or with ``signed`` ``u * (low - 2 * high)``."""
    zero, bits = C(0, 1), list(u)
    ones, twos = [*bits, zero, zero], [zero, *bits, zero]
    if not signed:
        each = zip(ones, twos, strict=True)
        _chain(m, name, [(_ADD, one, low, two, high) for one, two in each], product)
        return
    # The complement of `twos`, and 1 more; bit 0 is that of `ones`, whatever the 1 does there.
    each = list(zip(ones, twos, strict=True))[1:]
    chain = [
        (_CARRY, zero, zero, C(1, 1), zero),
        *((_SUBTRACT, two, high, one, low) for one, two in each),
    ]
    differences = Signal(10, name=f"{name}_differences")
    _chain(m, name, chain, differences)
    m.d.comb += product.eq(Cat(ones[0] & low, differences[1:]))


def _chain(m: Module, name: str, bits: Sequence[_Bit], total: Signal) -> None:
    """Sums of the ``bits`` with their carries, the lowest first."""
    carry: Value = C(0, 1)
    for n in range(len(bits) // 2):
        ports: dict[str, object] = {"i_CIN": carry}
        carry = Signal(name=f"{name}_carry_{n}")
        for k, (function, *inputs) in enumerate(bits[2 * n :][:2]):
            ports |= {f"p_INIT{k}": C(function, 16), f"p_INJECT1_{k}": "NO"}
            ports |= {f"i_{pin}{k}": value for pin, value in zip("ABCD", inputs, strict=True)}
            ports[f"o_S{k}"] = total[2 * n + k]
        m.submodules[f"{name}_{n}"] = Instance("CCU2C", **ports, o_COUT=carry)
