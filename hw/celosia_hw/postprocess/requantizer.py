"""Requantizer: 32-bit sums to activation bytes, a beat of channels at a time."""

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACTIVATION, Config, Rounding
from celosia.spec.timing import MULTICYCLE_LATENCY, REQUANTIZER_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import beat, requantized, settings
from celosia_hw.util.delay import delay
from celosia_hw.util.of_parity import of_parity

from .multicycle_requantizer import MulticycleRequantizer

__all__ = ["Requantizer"]


class Requantizer(wiring.Component):
    """``o = clip(scale(acc + bias) + zero_point, clamp_min, clamp_max)``, ``requantizers`` at once.

    Bytes are in offset binary. With ``m = multiplier``, ``s = shift`` and every intermediate
    wrapped to 32 bits as LiteRT's int32 is (docs/number_formats.md), ``scale`` is

    - `Rounding.SINGLE`: ``(a * m + (1 << (30 - s))) >> (31 - s)``
    - `Rounding.DOUBLE`: ``v = ((a << max(s, 0)) * m + (1 << 30)) >> 31``, then for
      ``e = max(-s, 0) > 0``: ``(v + (1 << (e - 1)) - (v < 0)) >> e``

    Bit-exact with `celosia.numerics.requantize.requantize`. One beat per
    `Config.requantizer_cycles`, never stalled; its bytes are valid `latency` cycles later. The
    `settings` of the beat's ``parity`` are used and must be held while results are on their way.
    Multicycle requantizers also need parameters and parity held until then; their `o` is held until
    the next beat is taken.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : `celosia.spec.timing.REQUANTIZER_LATENCY`, or `MULTICYCLE_LATENCY`.

    Members
    -------
    i : In(stream of `requantized`, always ready).
    settings : In(array of two `settings`), by parity; rounding, zero point and clamp range count.
    o : Out(stream of `beat`, always ready).
    """

    def __init__(self, config: Config):
        self.config = config
        self.multicycle = config.requantizer_cycles > 1
        self.latency = MULTICYCLE_LATENCY if self.multicycle else REQUANTIZER_LATENCY
        super().__init__(
            {
                "i": In(stream.Signature(requantized(config), always_ready=True)),
                "settings": In(settings()).array(2),
                "o": Out(stream.Signature(beat(config), always_ready=True)),
            }
        )

    def elaborate(self, platform):
        if self.multicycle:
            return self._multicycle()
        m = Module()
        stages = _Stages(REQUANTIZER_LATENCY)
        finish = self._finish(stages)
        for lane in range(self.config.requantizers):
            o = self._lane(m, stages, platform, lane, finish)
            m.d.comb += self.o.payload[lane].eq(o)
        valid = self.i.valid
        for index, registers in enumerate(stages.registers):
            # All lanes of a stage are registered under one condition.
            with m.If(valid):
                m.d.sync += [register.eq(value) for register, value in registers]
            valid = delay(m, valid, 1, name=f"valid_{index}", reset=True)
        m.d.comb += self.o.valid.eq(valid)
        return m

    def _multicycle(self):
        m = Module()
        for lane in range(self.config.requantizers):
            m.submodules[f"lane_{lane}"] = cell = MulticycleRequantizer()
            m.d.comb += [
                cell.en.eq(self.i.valid),
                cell.acc.eq(self.i.payload.acc[lane]),
                cell.parameters.eq(self.i.payload.parameters[lane]),
                cell.settings.eq(of_parity(self.settings, self.i.payload.parity)),
                self.o.payload[lane].eq(cell.o),
                self.o.valid.eq(cell.o_en),  # of all at once
            ]
        return m

    def _finish(self, stages) -> "_Finish":
        """What all lanes need at their ends, registered as the beat is."""
        parity = self.i.payload.parity
        for stage in range(12):
            parity = stages.register(stage, "parity", parity)
        held = of_parity(self.settings, parity)
        finish = _Finish(
            zero_point=stages.register(12, "zero_point", held.zero_point),
            # The clamp range before the zero point is added.
            lowest=stages.register(12, "lowest", held.clamp_min - held.zero_point),
            highest=stages.register(12, "highest", held.clamp_max - held.zero_point),
            clamp_min=stages.register(12, "clamp_min", held.clamp_min),
            clamp_max=stages.register(12, "clamp_max", held.clamp_max),
        )
        finish.clamp_min = stages.register(13, "clamp_min", finish.clamp_min)
        finish.clamp_max = stages.register(13, "clamp_max", finish.clamp_max)
        return finish

    def _lane(self, m, stages, platform, lane, finish: "_Finish"):
        """One channel; returns its byte. Each block of lines is one stage, a cycle each."""

        def later(stage, name, value):
            return stages.register(stage, f"{name}_{lane}", value)

        parameters = self.i.payload.parameters[lane]
        rounding = of_parity(self.settings, self.i.payload.parity).rounding
        shift, double = parameters.shift, rounding == Rounding.DOUBLE
        left = Mux(double & ~shift[-1], shift[:5], 0)
        biased = later(0, "biased", (self.i.payload.acc[lane] + parameters.bias)[:32])
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
        y = later(13, "y", (rounded + finish.zero_point)[:32].as_signed())
        below = later(13, "below", (rounded - finish.lowest)[-1])
        above = later(13, "above", (finish.highest - rounded)[-1])

        o = Mux(below | y[-1], finish.clamp_min, Mux(above, finish.clamp_max, y))
        o = o[: ACTIVATION.width]
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


@dataclass
class _Finish:
    """Settings of the beats in the last stages."""

    zero_point: Signal
    lowest: Signal
    highest: Signal
    clamp_min: Signal
    clamp_max: Signal


class _Stages:
    """Registers by the stage that fills them."""

    def __init__(self, count: int):
        self.registers = [[] for _ in range(count)]

    def register(self, stage: int, name: str, value) -> Signal:
        register = Signal(Value.cast(value).shape(), name=f"{name}_{stage}", reset_less=True)
        self.registers[stage].append((register, value))
        return register
