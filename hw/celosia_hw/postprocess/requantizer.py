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

#: Bits of a product and its rounding: below 2**62, with a sign.
_PRODUCT = 63
#: Bit of a product that is half a unit of its upper half.
_HALF = 30


class Requantizer(wiring.Component):
    """``o = clip(scale(acc + bias) + zero_point, clamp_min, clamp_max)``, ``requantizers`` at once.

    Bytes are in offset binary. With ``m = multiplier``, ``s = shift`` and every intermediate
    wrapped to 32 bits as LiteRT's int32 is (docs/number_formats.md), ``scale`` is

    - `Rounding.SINGLE`: ``(a * m + (1 << (30 - s))) >> (31 - s)``
    - `Rounding.DOUBLE`: ``v = ((a << max(s, 0)) * m + (1 << 30)) >> 31``, then for
      ``e = max(-s, 0) > 0``: ``(v + (1 << (e - 1)) - (v < 0)) >> e``

    Both are ``(q >> r) + q[r - 1]`` with ``r = 31 - s``: what is cut off rounds by its highest bit.
    Of SINGLE ``q`` is ``a * m``. Of DOUBLE with ``s > 0`` the upper ``s`` bits of ``a``, which the
    left shift would drop, are copies of the sign below them first; with ``s < 0`` ``q`` is
    ``a * m`` and half of 2**31 away from zero, for a shift after a shift is one. (Where ``a * m``
    is less than that half below zero, ``v < 0`` would take the other direction, and either
    gives 0.)

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
        stages, cells = _Stages(REQUANTIZER_LATENCY), cells_of(platform)
        finish = self._finish(m, stages, cells)
        rounding = of_parity(self.settings, self.i.payload.parity).rounding
        double = cells.copies(m, "double", rounding == Rounding.DOUBLE, self.config.requantizers)
        for lane in range(self.config.requantizers):
            o = self._lane(m, stages, cells, lane, double[lane], finish)
            m.d.comb += self.o.payload[lane].eq(o)
        valid = self.i.valid
        for index, registers in enumerate(stages.registers):
            # All lanes of a stage are registered under one condition.
            with m.If(valid if cells.GATED else 1):
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

    def _finish(self, m: Module, stages, cells) -> "_Finish":
        """What all lanes need at their ends, registered as the beat is."""
        parity = self.i.payload.parity
        for stage in range(10):
            parity = stages.register(stage, "parity", parity)
        held = of_parity(self.settings, parity)
        bounds, of_stage = (held.clamp_min, held.clamp_max), {}
        for stage in range(10, 14):
            names = ("clamp_min", "clamp_max")
            bounds = of_stage[stage] = tuple(
                stages.register(stage, name, bound)
                for name, bound in zip(names, bounds, strict=True)
            )
        # Beside stage 10, one for each lane.
        zero_points = cells.copies(m, "zero_point", held.zero_point, self.config.requantizers)
        return _Finish(zero_points, compared=of_stage[12], chosen=of_stage[13])

    def _lane(self, m, stages, cells, lane, double: Value, finish: "_Finish"):
        """One channel; returns its byte. Each block of lines is one stage, a cycle each.

        ``double`` : 1 where rounding is DOUBLE, a register beside stage 0.
        """

        def later(stage, name, value):
            return stages.register(stage, f"{name}_{lane}", value)

        parameters = self.i.payload.parameters[lane]
        shift = parameters.shift
        biased = later(0, "biased", (self.i.payload.acc[lane] + parameters.bias)[:32])
        multiplier = later(0, "multiplier", parameters.multiplier)
        left = later(0, "left", Mux(shift[-1], 0, shift[:5]))
        drop = later(0, "drop", (30 - shift)[:6])  # one bit less than the result's place, 0..61
        twice = later(0, "twice", shift[-1])

        # What a left shift would drop from the top are copies of the sign that is left.
        sign = later(1, "sign", biased.bit_select(~left, 1))
        copies = later(1, "copies", Cat(C(0, 1), *(left > 31 - bit for bit in range(1, 32))))
        biased, multiplier = later(1, "biased", biased), later(1, "multiplier", multiplier)
        drop, twice = later(1, "drop", drop), later(1, "twice", double & twice)
        double = later(1, "double", double)

        copies &= double.replicate(32)
        a = later(2, "a", ((biased & ~copies) | (copies & sign.replicate(32))).as_signed())
        multiplier = later(2, "multiplier", multiplier)
        drop, twice = later(2, "drop", drop), later(2, "twice", twice)

        # Into the multipliers' own input registers, out of them, and on to where the sums are.
        products = self._products(m, cells, lane, a, multiplier)
        negative = a[-1]
        for stage in (3, 4, 5):
            drop, twice = later(stage, "drop", drop), later(stage, "twice", twice)
            negative = later(stage, "negative", negative)
        low, middle_1, middle_2, high = (
            later(5, f"product_{n}", product) for n, product in enumerate(products)
        )

        # Half of 2**31 away from zero: -1 where negative, else 1, which is a carry.
        outer, first = Cat(low, high)[:_PRODUCT], _HALF
        nudged = Cat(1, outer[first:]).as_signed() + Cat(
            twice & ~negative, (twice & negative).replicate(_PRODUCT - first)
        )
        outer = later(6, "outer", Cat(outer[:first], nudged[1:])[:_PRODUCT])
        middle = later(6, "middle", middle_1 + middle_2)
        drop = later(6, "drop", drop)

        upper = (outer[16:] + middle)[: _PRODUCT - 16]
        product = later(7, "product", Cat(outer[:16], upper).as_signed())
        drop = later(7, "drop", drop)

        # By sixteens, by fours and by ones, to 32 bits and the one below, which rounds.
        product = later(8, "coarse", (product >> (drop[4:] << 4))[: 33 + 15].as_signed())
        drop = later(8, "drop", drop[:4])

        product = later(9, "medium", (product >> (drop[2:] << 2))[: 33 + 3].as_signed())
        drop = later(9, "drop", drop[:2])

        fine = later(10, "fine", (product >> drop)[:33])

        # Twice the bit that rounds is a carry.
        y = later(11, "y", (fine + Cat(fine[0], finish.zero_points[lane]))[1:33])

        # A sum that wraps is negative, and a negative one below every range.
        byte = later(12, "byte", y[: ACTIVATION.width])
        negative = later(12, "y_negative", y[-1])
        large = later(12, "y_large", y[ACTIVATION.width : -1].any())

        clamp_min, clamp_max = finish.compared
        below = later(13, "below", negative | (~large & (byte < clamp_min)))
        above = later(13, "above", large | (byte > clamp_max))
        byte = later(13, "byte", byte)
        clamp_min, clamp_max = finish.chosen
        return later(14, "o", Mux(below, clamp_min, Mux(above, clamp_max, byte)))

    def _products(self, m, cells, lane, a, b):
        """``a * b`` as four products of 16 bits, two cycles later: low, middle, middle, high."""
        products = []
        for upper_a, upper_b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            cell = cells.Product16(signed_a=bool(upper_a))
            m.submodules[f"product_{upper_a}{upper_b}_{lane}"] = cell
            m.d.comb += [
                cell.a.eq(a[16:].as_signed() if upper_a else a[:16]),
                cell.b.eq(b[16:] if upper_b else b[:16]),
            ]
            products.append(cell.p)
        return products


@dataclass
class _Finish:
    """Settings of the beats in the last stages; clamp ranges are their two ends."""

    zero_points: list[Signal]
    #: What bytes are compared with, and a stage later what is chosen from.
    compared: tuple[Signal, ...]
    chosen: tuple[Signal, ...]


class _Stages:
    """Registers by the stage that fills them."""

    def __init__(self, count: int):
        self.registers = [[] for _ in range(count)]

    def register(self, stage: int, name: str, value) -> Signal:
        register = Signal(Value.cast(value).shape(), name=f"{name}_{stage}", reset_less=True)
        self.registers[stage].append((register, value))
        return register
