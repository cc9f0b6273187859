"""Requantizer for small devices: one multiplier, three times in turn."""

from amaranth import *

from celosia.spec import ACC, ACTIVATION, PARAMETER, Rounding
from celosia.spec.timing import PRODUCT32_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import settings, struct

__all__ = ["MulticycleRequantizer"]


class MulticycleRequantizer(Elaboratable):
    """What a lane of `Requantizer` computes, in a third of its logic.

    ``o`` is valid `celosia.spec.timing.MULTICYCLE_LATENCY` cycles after ``en`` and held until two
    cycles after the next ``en``. Parameters and settings must be held until it is valid.

    With ``a = acc + bias`` and ``e = max(-shift, 0)`` shifts are products too, by powers of two:

    - ``a << shift`` is the low half of ``a * 2**shift``;
    - ``(a * m + 2**30) >> 31`` is what stands from bit 31 on, plus bit 30;
    - ``v >> e`` is what stands from bit 31 on in ``v * 2**(31 - e)``, and bit 30 says whether at
      least half a unit was lost, the bits below it whether more.

    So the three products are by ``2**max(shift, 0)``, by ``multiplier`` and by ``2**(31 - e)``.
    `Rounding.SINGLE` with a left shift must keep all 63 bits of it: the upper half is multiplied
    second, the lower one third, both by ``multiplier``, and the results are added.

    Attributes
    ----------
    en : in, 1 with new inputs; not again before ``o`` is valid.
    acc, parameters : in, of one channel.
    settings : in, as in `Requantizer`.
    o : out, one byte.
    o_en : out, 1 in the first cycle in which ``o`` is valid.
    """

    def __init__(self):
        self.en = Signal()
        self.acc = Signal(signed(ACC.width))
        self.parameters = Signal(struct(PARAMETER))
        self.settings = Signal(settings())
        self.o = Signal(ACTIVATION.width)
        self.o_en = Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.product = product = cells_of(platform).Product32()
        shift, double = self.parameters.shift, self.settings.rounding == Rounding.DOUBLE
        wide = ~double & (shift > 0)  # all bits of the left shift count

        # Which of the three products is being made, one bit each, and for how long.
        turn, phase = Signal(3), Signal(range(PRODUCT32_LATENCY + 1))
        first, second, third = turn
        taken = phase == PRODUCT32_LATENCY
        with m.If(self.en):
            m.d.sync += turn.eq(1)
        with m.Elif(turn.any()):
            m.d.sync += phase.eq(Mux(taken, 0, phase + 1))
            with m.If(taken):
                m.d.sync += turn.eq(turn << 1)

        operand, low = Signal(signed(32), reset_less=True), Signal(32, reset_less=True)
        m.d.comb += [product.a.eq(operand), product.b.eq(self._factor(m, first, second, wide))]
        # The low half is early by a cycle; a wide shift's is needed until its successor comes.
        with m.If((first & (phase == PRODUCT32_LATENCY - 1)) | (second & taken)):
            m.d.sync += low.eq(product.p[:32])

        # All that is added: the bias, halves of products, and what rounding makes of lost bits.
        upper, half, rest = product.p[31:63], product.p[30], product.p[:30].any()
        use_upper = Mux(first, wide, third | ~wide)
        use_low = Mux(first, ~wide, wide)
        away = ~(double & operand[-1]) | rest  # a tie of the second rounding rounds up
        rounds_up = half & ((second & (double | (shift == 0))) | (third & away))
        x, y = Signal(32), Signal(32)
        m.d.comb += [
            x.eq(Mux(self.en, self.acc, Mux(use_upper, upper, 0))),
            y.eq(Mux(self.en, self.parameters.bias, Mux(use_low, low, 0))),
        ]
        # The lower part of a wide shift has no sign.
        with m.If(~self.en & second):
            m.d.comb += y[-1].eq(0)
        with m.If(self.en | (turn.any() & taken)):
            carry = rounds_up & ~self.en
            m.d.sync += operand.eq((Cat(1, x) + Cat(carry, y))[1:33].as_signed())

        # The last sum, with the zero point, clamped.
        ending = Signal(2)
        m.d.sync += Cat(ending, self.o_en).eq(Cat(third & taken, ending))
        result = Signal(signed(32), reset_less=True)
        low_end, high_end = self.settings.clamp_min, self.settings.clamp_max
        m.d.sync += [
            result.eq((operand + self.settings.zero_point)[:32].as_signed()),
            self.o.eq(Mux(result < low_end, low_end, Mux(result > high_end, high_end, result))),
        ]
        return m

    def _factor(self, m, first, second, wide):
        """What the operand is multiplied by: the multiplier or a power of two."""
        shift, multiplier = self.parameters.shift, Signal(32)
        left = ~shift[-1]
        exponent = Signal(5)
        with m.If(first):
            m.d.comb += exponent.eq(Mux(left, shift, 0))
        with m.Else():
            m.d.comb += exponent.eq(Mux(left, 31, shift - 1))
        by_multiplier = second | (wide & ~first)
        m.d.comb += multiplier.eq(Mux(by_multiplier, self.parameters.multiplier, 0))
        # In two steps, which leaves one lookup table for each bit.
        eights, ones = Signal(4), Signal(8)
        m.d.comb += ones.eq(Const(1, 8) << exponent[:3])
        with m.If(~by_multiplier):
            m.d.comb += eights.eq(Const(1, 4) << exponent[3:])
        return multiplier | Cat(ones & eight.replicate(8) for eight in eights)
