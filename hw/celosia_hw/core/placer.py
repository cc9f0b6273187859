"""Placer: from a word's number to the rows that keep it and where."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.maps import ADDRESS_BITS
from celosia.spec.timing import PLACEMENT_LATENCY
from celosia_hw.layouts import placement

__all__ = ["Placer"]

_NUMBER = ADDRESS_BITS


class Placer(wiring.Component):
    """Row r keeps word ``number`` if ``local = number - r * row_words + halo < length``, modulo
    2**16, at address ``base + local``.

    `en` and `addr` follow their inputs by `celosia.spec.timing.PLACEMENT_LATENCY` cycles, one word
    a cycle. Bit-exact with `celosia.model`.

    Parameters
    ----------
    config : the engine's configuration, with convolution.

    Members
    -------
    valid : In(1).
    number : In(16).
    placement : In(`placement`).
    en : Out, a bit per row: it stores the word.
    addr : Out(array of addresses, one per row); undefined where ``en`` is 0.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "valid": In(1),
                "number": In(_NUMBER),
                "placement": In(placement(config)),
                "en": Out(config.rows),
                "addr": Out(range(config.act_depth)).array(config.rows),
            }
        )

    def elaborate(self, platform):
        m = Module()
        assert PLACEMENT_LATENCY == 4
        rows, every = self.config.rows, range(self.config.rows)
        numbers = data.ArrayLayout(_NUMBER, rows)
        valid = Signal(PLACEMENT_LATENCY - 1)
        m.d.sync += valid.eq(Cat(self.valid, valid))

        # The multiples of `row_words` are sums of two of these, by 4 and by 1.
        once = Signal(_NUMBER, reset_less=True)
        thrice = Signal(_NUMBER, reset_less=True)
        target = [Signal(_NUMBER, name=f"target_{n}", reset_less=True) for n in range(2)]
        length = [Signal(_NUMBER, name=f"length_{n}", reset_less=True) for n in range(3)]
        address = range(self.config.act_depth)
        base = [Signal(address, name=f"base_{n}", reset_less=True) for n in range(3)]
        multiples = Signal(numbers, reset_less=True)
        local = Signal(numbers, reset_less=True)
        small = {0: C(0), 1: once, 2: once << 1, 3: thrice}
        with m.If(self.valid):
            m.d.sync += [
                once.eq(self.placement.row_words),
                thrice.eq(self.placement.row_words + (self.placement.row_words << 1)),
                target[0].eq(self.number + self.placement.halo),
                length[0].eq(self.placement.length),
                base[0].eq(self.placement.base),
            ]
        with m.If(valid[0]):
            m.d.sync += [
                *(multiples[r].eq(self._times(r >> 2, small) + small[r & 3]) for r in every),
                target[1].eq(target[0]),
                length[1].eq(length[0]),
                base[1].eq(base[0]),
            ]
        with m.If(valid[1]):
            m.d.sync += [
                *(local[r].eq(target[1] - multiples[r]) for r in every),
                length[2].eq(length[1]),
                base[2].eq(base[1]),
            ]
        m.d.sync += self.en.eq(Cat(valid[2] & (local[r] < length[2]) for r in every))
        with m.If(valid[2]):
            m.d.sync += [self.addr[r].eq(base[2] + local[r]) for r in every]
        return m

    def _times(self, n: int, small: dict[int, Value]) -> Value:
        """``4 * n * row_words`` for n in 0..7."""
        return (small[n & 3] << 2) + ((small[1] << 4) if n & 4 else 0)
