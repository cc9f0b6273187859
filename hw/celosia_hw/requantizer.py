"""Requantizer: 32-bit sums to activation bytes, a word of channels at a time."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACC, ACTIVATION, Config, Rounding
from celosia.spec.timing import REQUANTIZER_LATENCY

from .layouts import parameter_word, word

__all__ = ["Requantizer"]


class Requantizer(wiring.Component):
    """``o = clip(scale(acc + bias) + zero_point, clamp_min, clamp_max)``, ``lanes`` at a time.

    Bytes are in offset binary. With ``m = multiplier``, ``s = shift`` and every intermediate
    wrapped to 32 bits as LiteRT's int32 is (docs/number_formats.md), ``scale`` is

    - `Rounding.SINGLE`: ``(a * m + (1 << (30 - s))) >> (31 - s)``
    - `Rounding.DOUBLE`: ``v = ((a << max(s, 0)) * m + (1 << 30)) >> 31``, then for
      ``e = max(-s, 0) > 0``: ``(v + (1 << (e - 1)) - (v < 0)) >> e``

    Bit-exact with `celosia.model.requantize`. One word per cycle,
    `REQUANTIZER_LATENCY` cycles after `acc`, never stalled. ``rounding``, ``zero_point`` and the
    clamp range must hold while results are on their way. ``en`` only saves work: `o` is
    meaningless for an `acc` without it.

    Members
    -------
    en : In(1)
    acc : In(array of ``lanes`` signed 32); parameters : In(`parameter_word`), with `acc`.
    rounding : In(`Rounding`); zero_point, clamp_min, clamp_max : In(8)
    o : Out(`word`)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "en": In(1),
                "acc": In(data.ArrayLayout(signed(ACC.width), config.lanes)),
                "parameters": In(parameter_word(config)),
                "rounding": In(Rounding),
                "zero_point": In(ACTIVATION.width),
                "clamp_min": In(ACTIVATION.width),
                "clamp_max": In(ACTIVATION.width),
                "o": Out(word(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        double = self.rounding == Rounding.DOUBLE
        en = self.en
        lanes = [
            {"acc": self.acc[lane]}
            | {name: self.parameters[lane][name] for name in ("bias", "multiplier", "shift")}
            for lane in range(self.config.lanes)
        ]
        assert len(_STAGES) == REQUANTIZER_LATENCY
        for index, step in enumerate(_STAGES):
            # All lanes of a stage are registered under one condition.
            values = [step(self, double, **lane) for lane in lanes]
            lanes = [
                {
                    name: Signal(
                        Value.cast(value).shape(), name=f"{name}_{index}_{lane}", reset_less=True
                    )
                    for name, value in of_lane.items()
                }
                for lane, of_lane in enumerate(values)
            ]
            with m.If(en):
                for registers, of_lane in zip(lanes, values, strict=True):
                    m.d.sync += [registers[name].eq(value) for name, value in of_lane.items()]
            before, en = en, Signal(name=f"en_{index}")
            m.d.sync += en.eq(before)
        m.d.comb += [byte.eq(lane["o"]) for byte, lane in zip(self.o, lanes, strict=True)]
        return m


# The stages, one cycle each: what stands in a lane's registers -> what is registered next.


def _add_bias(unit, double, acc, bias, multiplier, shift):
    return {"a": (acc + bias)[:32].as_signed(), "multiplier": multiplier, "shift": shift}


def _shift_left(unit, double, a, multiplier, shift):
    left = Mux(double & (shift > 0), shift, 0)[:5]
    return {"a": (a << left)[:32].as_signed(), "multiplier": multiplier, "shift": shift}


def _multiply(unit, double, a, multiplier, shift):
    # 32 x 31 bits as two products that fit pairs of 18-bit multipliers.
    return {"low": a * multiplier[:16], "high": a * multiplier[16:], "shift": shift}


def _sum(unit, double, low, high, shift):
    return {"product": (low + high.shift_left(16)).as_signed(), "shift": shift}


def _shift_right(unit, double, product, shift):
    # x >> t, rounded half up, is ((x >> (t - 1)) + 1) >> 1: the barrel shifter comes first.
    right = Mux(double, 30, 30 - shift)[:6]
    return {"half": (product >> right)[:33].as_signed(), "shift": shift}


def _round(unit, double, half, shift):
    return {"scaled": (half + 1).shift_right(1)[:32].as_signed(), "shift": shift}


def _shift_again(unit, double, scaled, shift):
    exponent = Mux(double & (shift < 0), -shift, 0)[:6]
    nudged = scaled - (scaled < 0)
    half = (nudged >> (exponent - 1)[:5])[:33].as_signed()
    return {"scaled": scaled, "half": half, "again": exponent != 0}


def _clamp(unit, double, scaled, half, again):
    rounded = Mux(again, (half + 1).shift_right(1), scaled)[:32].as_signed()
    y = (rounded + unit.zero_point)[:32].as_signed()
    low, high = unit.clamp_min, unit.clamp_max
    return {"o": Mux(y < low, low, Mux(y > high, high, y))[: ACTIVATION.width]}


_STAGES = (_add_bias, _shift_left, _multiply, _sum, _shift_right, _round, _shift_again, _clamp)
