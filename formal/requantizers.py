"""Proofs that the requantizer computes its formula; a product is any value that it may have.

What a multiplier block gives is left open: any value of the product's range and sign. That these
follow from the operands, and that four products of 16 bits make one of 32, is proven by
`formal.products` in integers. The reference is `celosia.numerics.requantize` in
Amaranth's arithmetic, which never wraps unless cut.
"""

from types import SimpleNamespace
from unittest.mock import patch

from amaranth import *
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume

from celosia.spec import Config, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia_hw import cells
from celosia_hw.cells import Technology, portable
from celosia_hw.layouts import settings
from celosia_hw.postprocess.requantizer import Requantizer

from .block import Block, free
from .proof import Proof

__all__ = ["PROOFS", "clipped", "with_free_products"]

#: One channel at a time.
CONFIG = Config.default(
    1, 4, lanes=4, requantizers=1, link_bytes=1, weight_depth=16, param_depth=16, program_depth=4,
    act_depth=16, tables=0, convolution=0)  # fmt: skip
#: The stage of the requantizer whose operands the multipliers see, and when their products follow.
_OPERANDS, _PRODUCTS = 3, 5
#: The register of a product and what rounding adds to it, and when it is that of the beat.
_SUM, _SHIFTED = "product_0_7", 8
#: When what is left of it after its shift is there.
_FINE = 11
#: The largest product, of -2**31 and 2**31 - 1.
_MOST = (1 << 31) * ((1 << 31) - 1)


class _Product(Elaboratable):
    """A product of any value in any cycle."""

    def __init__(self, made, signed_a: bool, width: int):
        self.a, self.b = Signal(Shape(width, signed_a)), Signal(width)
        self.p = Signal(Shape(2 * width, signed_a))
        made.append(self)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.p.eq(AnySeq(len(self.p)))
        return m


def with_free_products(component, mistake, cut=None) -> tuple[Block, list[_Product]]:
    """The component with free products, in the order in which it makes them."""
    made: list[_Product] = []
    products = {
        "Product16": lambda signed_a: _Product(made, signed_a, 16),
        "Product32": lambda: _Product(made, True, 32),
    }
    technology = SimpleNamespace(**vars(portable) | products)
    with patch.dict(cells.TECHNOLOGIES, {"free": technology}):
        return Block(component, Technology("free"), stuck=mistake, cut=cut), made


def clipped(value: Value, layer) -> Value:
    """The byte of a rounded value, by the settings of its layer."""
    y = (value + layer.zero_point)[:32].as_signed()
    low, high = layer.clamp_min, layer.clamp_max
    return Mux(y < low, low, Mux(y > high, high, y))[:8]


def _since(m: Module, start: Value, most: int) -> Signal:
    """Cycles since ``start``, which is free to be 1 when nothing is followed; 0 in its cycle."""
    count = Signal(range(most + 2))
    m.d.sync += count.eq(Mux(start, 1, Mux((count == 0) | (count > most), 0, count + 1)))
    return count


def _followed(m: Module, dut: Requantizer, rounding: Rounding | None = None):
    """Inputs of a `Requantizer`, and a beat that is followed: (cycles since, what it was)."""
    free(m, dut, "settings")
    for layer in dut.settings:
        m.d.comb += [
            layer.as_value().eq(AnyConst(settings().size)),
            Assume(layer.clamp_min <= layer.clamp_max),
        ]
        if rounding is not None:
            m.d.comb += Assume(layer.rounding == rounding)
    start = Signal()
    count = _since(m, start, dut.latency)
    beat = Signal(dut.i.payload.shape())
    m.d.comb += start.eq(dut.i.valid & (count == 0) & AnySeq(1))
    with m.If(start):
        m.d.sync += beat.eq(dut.i.payload)
    shift = dut.i.payload.parameters[0].shift
    m.d.comb += Assume((shift >= SHIFT_MIN) & (shift <= SHIFT_MAX))
    return count, beat


def _operands(rounding: Rounding):
    """The operands are those of the formula, and the sum of the products is what is shifted."""
    double = rounding == Rounding.DOUBLE

    def build(mistake):
        m, dut = Module(), Requantizer(CONFIG)
        block, (low, first, second, high) = with_free_products(dut, mistake)
        m.submodules.dut = block
        count, beat = _followed(m, dut, rounding)
        lane, acc = beat.parameters[0], beat.acc[0]
        a = (acc + lane.bias)[:32].as_signed()
        left = Mux(lane.shift > 0, lane.shift, 0)[:5] if double else Const(0, 5)
        operand = Cat(low.a, high.a).as_signed()
        with m.If(count == _OPERANDS):
            # What is multiplied is what the formula multiplies, less the left shift's zeros.
            m.d.comb += [
                Assert((operand << left) == (a << left)[:32].as_signed()),
                Assert(Cat(low.b, high.b) == lane.multiplier),
                Assert((first.a == low.a) & (first.b == high.b)),
                Assert((second.a == high.a) & (second.b == low.b)),
            ]
        negative = Signal()
        m.d.sync += negative.eq(Mux(count == _OPERANDS, operand < 0, negative))
        # In the order in which the engine adds, which makes no difference in integers.
        nudged = Signal(signed(66))
        nudge = Mux(double & (lane.shift < 0), Mux(negative, -1, 1), 0)
        whole = Cat(low.p, high.p).as_signed() + (nudge << 30) + ((first.p + second.p) << 16)
        with m.If(count == _PRODUCTS):
            m.d.comb += Assume((whole <= _MOST + (1 << 30)) & (whole >= -_MOST - (1 << 30)))
            m.d.sync += nudged.eq(whole)
        with m.If(count == _SHIFTED):
            m.d.comb += Assert(block[_SUM] == nudged)
        return m

    return build


def _rounded(mistake):
    """What is shifted, any value, leads to the byte of ``(q >> r) + q[r - 1]``, ``r = 31 - shift``.

    `formal.products` proves that this is what LiteRT computes.
    """
    m, dut = Module(), Requantizer(CONFIG)
    block, _ = with_free_products(dut, mistake, _SUM)
    m.submodules.dut = block
    count, beat = _followed(m, dut)
    whole, held = block[_SUM], Signal.like(block[_SUM])
    m.d.comb += whole.eq(AnySeq(len(whole)))
    with m.If(count == _SHIFTED):
        m.d.sync += held.eq(whole)
    layer, place = Signal(settings()), Signal(6)
    kept, rounded = Signal.like(held), Signal(signed(32))
    settings_of = [each.as_value() for each in dut.settings]
    m.d.comb += [
        layer.eq(Mux(beat.parity, settings_of[1], settings_of[0])),
        place.eq(30 - beat.parameters[0].shift),
        # ``q >> r - 1``, in parts as the engine does, which makes no difference but to the solver.
        kept.eq(held >> (place & 0b110000) >> (place & 0b1100) >> (place & 0b11)),
        rounded.eq((kept >> 1) + kept[0]),
    ]
    with m.If(count == _FINE):
        m.d.comb += Assert(block["fine_0_10"] == kept[:33])
    with m.If(count == dut.latency):
        m.d.comb += [Assert(dut.o.valid), Assert(dut.o.payload[0] == clipped(rounded, layer))]
    return m


PROOFS = [
    *(
        Proof(
            name=f"requantizer-sum-{rounding.name.lower()}",
            claim="multiplied is what the formula says, and its product is what is shifted",
            blocks="postprocess.Requantizer",
            build=_operands(rounding),
            depth=17,
            wide=True,
            mistakes=mistakes,
        )
        for rounding, mistakes in (
            (Rounding.SINGLE, ("biased_0_0",)),
            (Rounding.DOUBLE, ("twice_0_4", "copies_0_1")),
        )
    ),
    Proof(
        name="requantizer-byte",
        claim="what is shifted becomes the byte of the formula, of every shift",
        blocks="postprocess.Requantizer",
        build=_rounded,
        depth=17,
        wide=True,
        mistakes=("drop_0_8", "zero_point"),
    ),
]
