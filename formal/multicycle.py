"""Proofs of the requantizer for small devices: what its one multiplier is given, turn by turn.

Products are open, as in `formal.requantizers`; that the three together are LiteRT's formula is
proven by `formal.products` in integers.
"""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume

from celosia.spec import Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia.spec.timing import MULTICYCLE_LATENCY, PRODUCT32_LATENCY
from celosia_hw.postprocess.multicycle_requantizer import MulticycleRequantizer

from .contracts import Past
from .proof import Proof
from .requantizers import clipped, with_free_products

__all__ = ["PROOFS"]

#: A product and the cycle that takes it.
_TURN = PRODUCT32_LATENCY + 1


def _multicycle(mistake):
    """By induction over one cycle: each register has, by the cycles since ``en``, its value."""
    m, dut = Module(), MulticycleRequantizer()
    block, (cell,) = with_free_products(dut, mistake)
    m.submodules.dut = block
    past, count = Past(m), Signal(range(MULTICYCLE_LATENCY + 1))
    shift, multiplier = dut.parameters.shift, dut.parameters.multiplier
    layer, double = dut.settings, dut.settings.rounding == Rounding.DOUBLE
    products = [Signal(signed(64), name=f"product_{turn}") for turn in range(3)]
    steady = Cat(dut.parameters.as_value(), layer.as_value(), *products)
    first = Signal(signed(32))  # acc + bias
    m.d.sync += [
        count.eq(Mux(dut.en, 1, Mux((count == 0) | (count == MULTICYCLE_LATENCY), 0, count + 1))),
        first.eq(Mux(dut.en, dut.acc + dut.parameters.bias, first)),
    ]
    m.d.comb += [each.eq(AnySeq(len(each))) for each in (dut.en, dut.acc, *products)]
    m.d.comb += [
        each.as_value().eq(AnySeq(len(each.as_value()))) for each in (dut.parameters, layer)
    ]
    m.d.comb += [
        Assume((shift >= SHIFT_MIN) & (shift <= SHIFT_MAX)),
        Assume(layer.clamp_min <= layer.clamp_max),
        Assume(~dut.en | (count == 0) | (count == MULTICYCLE_LATENCY)),
        Assume((count == 0) | (steady == past(steady))),
    ]
    operands = _operands(first, products, shift, double)
    factors = _factors(shift, multiplier, double)
    # Two registers are made in pairs and have no names.
    turns, phase, operand = block["$signal"], block["phase"], block["$signal_1"]
    for turn in range(3):
        begin = 1 + turn * _TURN
        with m.If((count >= begin) & (count < begin + _TURN)):
            m.d.comb += [
                Assert((turns == 1 << turn) & (phase == count - begin)),
                Assert(cell.a == operands[turn]),
                Assert(cell.b == factors[turn]),
                # The low half is early by a cycle; what is earlier may be anything.
                Assume(~(phase >= PRODUCT32_LATENCY - 1) | (cell.p[:32] == products[turn][:32])),
                Assume(~(phase >= PRODUCT32_LATENCY) | (cell.p == products[turn])),
            ]
    low, ends = block["low"], 1 + 3 * _TURN
    rounded = operands[3]
    placed = (rounded + layer.zero_point)[:32].as_signed()
    m.d.comb += [
        Assert(((count != 0) & (count < ends)) | ((turns == 0) & (phase == 0))),
        Assert((count < _TURN) | (count > 2 * _TURN) | (low == products[0][:32])),
        Assert((count <= 2 * _TURN) | (low == products[1][:32])),
        Assert((count < ends) | (operand == rounded)),
        Assert(block["ending"] == Cat(count == ends, count == ends + 1)),
        Assert((count <= ends) | (block["result"] == placed)),
        Assert(dut.o_en == (count == MULTICYCLE_LATENCY)),
        Assert(~dut.o_en | (dut.o == clipped(rounded, layer))),
        Assert(count <= MULTICYCLE_LATENCY),
    ]
    return m


def _operands(first, products, shift, double) -> list[Value]:
    """What is multiplied first, second and third, and what is left; 32 bits each."""
    wide = ~double & (shift > 0)
    p, q, r = products
    upper = [(each >> 31)[:32].as_signed() for each in products]
    once = q[30] & (double | (shift == 0))
    second = Mux(wide, upper[0], p[:32].as_signed())
    third = Mux(wide, p[:31], (upper[1] + once)[:32].as_signed())
    # A tie of a negative one goes away from zero.
    up = r[30] & (~(double & (third < 0)) | r[:30].any())
    left = (upper[2] + Mux(wide, q[:32], 0) + up)[:32]
    return [first, second[:32].as_signed(), third[:32].as_signed(), left.as_signed()]


def _factors(shift, multiplier, double) -> list[Value]:
    """By what."""
    wide = ~double & (shift > 0)
    left, right = Mux(shift > 0, shift, 0)[:5], Mux(shift < 0, -shift, 0)[:5]
    return [
        Const(1, 32) << left,
        multiplier,
        Mux(wide, multiplier, (Const(1, 32) << 31) >> right),
    ]


PROOFS = [
    Proof(
        name="requantizer-multicycle",
        claim="multiplied and added, turn by turn, is what the formula says, up to its byte",
        blocks="postprocess.MulticycleRequantizer",
        build=_multicycle,
        depth=2,
        wide=True,
        mistakes=("low", "result"),
    ),
]
