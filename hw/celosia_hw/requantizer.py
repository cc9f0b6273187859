"""Requantizer: 32-bit sums to activation bytes, one lane per channel."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, ACTIVATION, PARAMETER, Rounding

from .layouts import struct

__all__ = ["LATENCY", "Requantizer"]

#: Cycles from `acc` to `o`.
LATENCY = 8


class Requantizer(wiring.Component):
    """``o = clip(scale(acc + bias) + zero_point, clamp_min, clamp_max)``, bytes in offset binary.

    With ``m = multiplier``, ``s = shift`` and every intermediate wrapped to 32 bits as LiteRT's
    int32 is (docs/number_formats.md), ``scale`` is

    - `Rounding.SINGLE`: ``(a * m + (1 << (30 - s))) >> (31 - s)``
    - `Rounding.DOUBLE`: ``v = ((a << max(s, 0)) * m + (1 << 30)) >> 31``, then for
      ``e = max(-s, 0) > 0``: ``(v + (1 << (e - 1)) - (v < 0)) >> e``

    Bit-exact with `celosia.model.requantize`. One result per cycle, `LATENCY` cycles after `acc`,
    never stalled. ``rounding``, ``zero_point`` and the clamp range must hold while results are on
    their way. ``en`` only saves work: `o` is meaningless for an `acc` without it.

    Members
    -------
    en : In(1)
    acc : In(signed 32); parameter : In(`celosia.spec.PARAMETER`), with `acc`.
    rounding : In(`Rounding`); zero_point, clamp_min, clamp_max : In(8)
    o : Out(8)
    """

    en: In(1)
    acc: In(signed(ACC.width))
    parameter: In(struct(PARAMETER))
    rounding: In(Rounding)
    zero_point: In(ACTIVATION.width)
    clamp_min: In(ACTIVATION.width)
    clamp_max: In(ACTIVATION.width)
    o: Out(ACTIVATION.width)

    def elaborate(self, platform):
        m = Module()
        double = self.rounding == Rounding.DOUBLE
        # en[i] is 1 when stage i holds a value.
        en = [self.en] + [Signal(name=f"en_{i}") for i in range(1, LATENCY)]
        m.d.sync += [after.eq(before) for before, after in zip(en, en[1:], strict=False)]

        def stage(index, *values):
            """Register ``values`` behind stage ``index``."""
            registers = []
            with m.If(en[index]):
                for value in values:
                    register = Signal(
                        value.shape(), name=f"s{index + 1}_{len(registers)}", reset_less=True
                    )
                    m.d.sync += register.eq(value)
                    registers.append(register)
            return registers

        parameter = self.parameter
        biased = (self.acc + parameter.bias)[:32].as_signed()
        a, multiplier, shift = stage(0, biased, parameter.multiplier, parameter.shift)

        left = Mux(double & (shift > 0), shift, 0)[:5]
        a, multiplier, shift = stage(1, (a << left)[:32].as_signed(), multiplier, shift)

        # 32 x 31 bits as two products that fit pairs of 18-bit multipliers.
        low, high, shift = stage(2, a * multiplier[:16], a * multiplier[16:], shift)
        product, shift = stage(3, (low + (high << 16))[:64].as_signed(), shift)

        # x >> t, rounded half up, is ((x >> (t - 1)) + 1) >> 1: the barrel shifter comes first.
        right = Mux(double, 30, 30 - shift)[:6].as_unsigned()
        half, shift = stage(4, (product >> right)[:33].as_signed(), shift)
        scaled, shift = stage(5, ((half + 1) >> 1)[:32].as_signed(), shift)

        exponent = Mux(double & (shift < 0), -shift, 0)[:6]
        distance = (exponent - 1)[:5]
        nudged = scaled - (scaled < 0)
        again, plain, twice = stage(6, (nudged >> distance)[:33].as_signed(), scaled, exponent != 0)

        rounded = Mux(twice, (again + 1) >> 1, plain)[:32].as_signed()
        shifted = Signal(signed(32))
        clamped = Signal(ACTIVATION.width)
        m.d.comb += [
            shifted.eq(rounded + self.zero_point),
            clamped.eq(shifted),
        ]
        with m.If(shifted < self.clamp_min):
            m.d.comb += clamped.eq(self.clamp_min)
        with m.Elif(shifted > self.clamp_max):
            m.d.comb += clamped.eq(self.clamp_max)
        (o,) = stage(7, clamped)
        m.d.comb += self.o.eq(o)
        return m
