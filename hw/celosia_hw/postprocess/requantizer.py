"""Requantizer: 32-bit sums to activation bytes, a beat of channels at a time."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACTIVATION, PARAMETER, Config, Rounding
from celosia.spec.timing import REQUANTIZER_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import beat, parameter_word, struct, sums

from .multicycle_requantizer import SerialRequantizer

__all__ = ["Requantizer"]


class Requantizer(wiring.Component):
    """``o = clip(scale(acc + bias) + zero_point, clamp_min, clamp_max)``, ``requantizers`` at once.

    Bytes are in offset binary. With ``m = multiplier``, ``s = shift`` and every intermediate
    wrapped to 32 bits as LiteRT's int32 is (docs/number_formats.md), ``scale`` is

    - `Rounding.SINGLE`: ``(a * m + (1 << (30 - s))) >> (31 - s)``
    - `Rounding.DOUBLE`: ``v = ((a << max(s, 0)) * m + (1 << 30)) >> 31``, then for
      ``e = max(-s, 0) > 0``: ``(v + (1 << (e - 1)) - (v < 0)) >> e``

    Bit-exact with `celosia.model.requantize`. One beat per `Config.requantizer_cycles`, never
    stalled. With one per cycle bytes come `REQUANTIZER_LATENCY` cycles after `acc`, and
    ``rounding``, ``zero_point`` and the clamp range must hold while results are on their way. With
    slow ones they come after `celosia.spec.timing.SERIAL_LATENCY`, and all inputs but ``en`` must
    hold until then; so does `o` until the next.

    Members
    -------
    en : In(1); o_en : Out(1), with `o`.
    acc : In(`sums`); parameters : In(`parameter_word`), with `acc`.
    rounding : In(`Rounding`); zero_point, clamp_min, clamp_max : In(8)
    o : Out(`beat`)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "en": In(1),
                "acc": In(sums(config)),
                "parameters": In(parameter_word(config)),
                "rounding": In(Rounding),
                "zero_point": In(ACTIVATION.width),
                "clamp_min": In(ACTIVATION.width),
                "clamp_max": In(ACTIVATION.width),
                "o": Out(beat(config)),
                "o_en": Out(1),
            }
        )

    def elaborate(self, platform):
        if self.config.requantizer_cycles > 1:
            return self._serial()
        m = Module()
        stages = _Stages(REQUANTIZER_LATENCY)
        # The clamp range before the zero point is added.
        lowest, highest = Signal(signed(9)), Signal(signed(9))
        m.d.sync += [
            lowest.eq(self.clamp_min - self.zero_point),
            highest.eq(self.clamp_max - self.zero_point),
        ]
        for lane in range(self.config.requantizers):
            o = self._lane(m, stages, platform, lane, lowest, highest)
            m.d.comb += self.o[lane].eq(o)
        en = self.en
        for index, registers in enumerate(stages.registers):
            # All lanes of a stage are registered under one condition.
            with m.If(en):
                m.d.sync += [register.eq(value) for register, value in registers]
            before, en = en, Signal(name=f"en_{index}")
            m.d.sync += en.eq(before)
        m.d.comb += self.o_en.eq(en)
        return m

    def _serial(self):
        m = Module()
        for lane in range(self.config.requantizers):
            cell = SerialRequantizer(struct(PARAMETER))
            m.submodules[f"lane_{lane}"] = cell
            m.d.comb += [
                cell.acc.eq(self.acc[lane]),
                cell.parameters.eq(self.parameters[lane]),
                self.o[lane].eq(cell.o),
                self.o_en.eq(cell.o_en),  # of all at once
            ]
            for name in ("en", "rounding", "zero_point", "clamp_min", "clamp_max"):
                m.d.comb += getattr(cell, name).eq(getattr(self, name))
        return m

    def _lane(self, m, stages, platform, lane, lowest, highest):
        """One channel; returns its byte. Each block of lines is one stage, a cycle each."""

        def later(stage, name, value):
            return stages.register(stage, f"{name}_{lane}", value)

        parameters = self.parameters[lane]
        shift, double = parameters.shift, self.rounding == Rounding.DOUBLE
        left = Mux(double & ~shift[-1], shift[:5], 0)
        biased = later(0, "biased", (self.acc[lane] + parameters.bias)[:32])
        multiplier, left = later(0, "multiplier", parameters.multiplier), later(0, "left", left)
        right = later(0, "right", Mux(double, 31, 31 - shift)[:6])  # 1..62
        again = later(0, "again", Mux(double & shift[-1], -shift, 0)[:5])

        # The left shift, by eights and by ones.
        biased = later(1, "biased", (biased << (left[3:] << 3))[:32])
        multiplier, left = later(1, "multiplier", multiplier), later(1, "left", left[:3])
        right, again = later(1, "right", right), later(1, "again", again)

        a = later(2, "a", (biased << left)[:32].as_signed())
        multiplier = later(2, "multiplier", multiplier)
        right, again = later(2, "right", right), later(2, "again", again)

        # Into the multipliers' own input registers, out of them, and on to where the sums are.
        products = self._products(m, platform, lane, a, multiplier)
        right, again = later(3, "right", right), later(3, "again", again)
        right, again = later(4, "right", right), later(4, "again", again)
        low, middle_1, middle_2, high = (
            later(5, f"product_{n}", product) for n, product in enumerate(products)
        )
        # Half a unit of what `right` leaves.
        half = later(5, "half", (Const(1, 64) << right)[1:63])
        right, again = later(5, "right", right), later(5, "again", again)

        outer = later(6, "outer", (Cat(low, high[:32]) + half)[:64])
        middle = later(6, "middle", middle_1 + middle_2)
        right, again = later(6, "right", right), later(6, "again", again)

        product = later(7, "product", (outer + middle.shift_left(16))[:64].as_signed())
        right, again = later(7, "right", right), later(7, "again", again)

        # The shift, by eights and by ones.
        coarse = later(8, "coarse", (product >> (right[3:] << 3))[:39].as_signed())
        fine, again = later(8, "fine", right[:3]), later(8, "again", again)

        scaled = later(9, "scaled", (coarse >> fine)[:32].as_signed())
        # Half a unit of what `again` leaves, less one.
        nudge = later(9, "nudge", ((Const(1, 32) << again) - 1)[1:32])
        again = later(9, "again", again)

        # Plus one, as a carry, unless negative.
        carry = ~scaled[-1] & again.any()
        nudged = later(10, "nudged", (Cat(1, scaled).as_signed() + Cat(carry, nudge))[1:34])
        again = later(10, "again", again)

        nudged = later(11, "nudged", nudged.as_signed() >> (again[3:] << 3))
        fine = later(11, "fine", again[:3])

        rounded = later(12, "rounded", (nudged >> fine)[:32].as_signed())

        # A sum that wraps is negative, and a negative one below every range. Comparisons are signs
        # of differences, which take less logic.
        y = later(13, "y", (rounded + self.zero_point)[:32].as_signed())
        below = later(13, "below", (rounded - lowest)[-1])
        above = later(13, "above", (highest - rounded)[-1])

        low, high = self.clamp_min, self.clamp_max
        o = Mux(below | y[-1], low, Mux(above, high, y))[: ACTIVATION.width]
        return later(14, "o", o)

    def _products(self, m, platform, lane, a, b):
        """``a * b`` as four products of 16 bits, two cycles later: low, middle, middle, high."""
        products = []
        for upper_a, upper_b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            cell = cells_of(platform).Product16(signed_a=bool(upper_a))
            m.submodules[f"product_{upper_a}{upper_b}_{lane}"] = cell
            m.d.comb += [
                cell.a.eq(a[16:].as_signed() if upper_a else a[:16]),
                cell.b.eq(b[16:] if upper_b else b[:16]),
            ]
            products.append(cell.p)
        return products


class _Stages:
    """Registers by the stage that fills them."""

    def __init__(self, count: int):
        self.registers = [[] for _ in range(count)]

    def register(self, stage: int, name: str, value) -> Signal:
        register = Signal(Value.cast(value).shape(), name=f"{name}_{stage}", reset_less=True)
        self.registers[stage].append((register, value))
        return register
