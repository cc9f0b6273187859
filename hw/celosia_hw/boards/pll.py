"""Settings of the families' PLLs: the dividers for a requested clock.

Frequencies are in MHz. Formulas and ranges: Lattice FPGA-TN-02052
(iCE40 sysCLOCK) and FPGA-DS-02008 (iCE40 UltraPlus), Lattice FPGA-TN-02200 and FPGA-DS-02012
(ECP5), Gowin UG286 (clocks), DS117 (GW1NR) and DS226 (GW2AR).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil

__all__ = ["PLLS", "Ecp5Pll", "GowinPll", "Ice40Pll", "NoPll", "pll"]


class NoPll(ValueError):
    """No setting of a PLL is within 2 % of the requested clock."""


@dataclass(frozen=True)
class Ice40Pll:
    """SB_PLL40, simple feedback: ``vco = in * (divf + 1) / (divr + 1)``, ``out = vco / 2**divq``.

    Frequency of the phase detector: ``in / (divr + 1)``.
    """

    clock: float
    divr: int
    divf: int
    divq: int
    filter_range: int

    @classmethod
    def settings(cls, source: float) -> Iterator["Ice40Pll"]:
        for divr, divf, divq in product(range(16), range(128), range(1, 7)):
            pfd = source / (divr + 1)
            vco = pfd * (divf + 1)
            clock = vco / (1 << divq)
            if 10 <= pfd <= 133 and 533 <= vco <= 1066 and 16 <= clock <= 275:
                yield cls(clock, divr, divf, divq, _filter_range(pfd))


def _filter_range(pfd: float) -> int:
    """FILTER_RANGE: 1 up to 17 MHz at the phase detector, 6 from 101 MHz."""
    return 1 + sum(pfd >= bound for bound in (17, 26, 44, 66, 101))


@dataclass(frozen=True)
class Ecp5Pll:
    """EHXPLLL fed back from CLKOP, used at CLKOS: ``vco = in / clki * clkfb * clkop``,
    ``out = vco / clkos``.

    Frequency of the phase detector: ``in / clki``.
    """

    clock: float
    clki: int
    clkfb: int
    clkop: int
    clkos: int

    @classmethod
    def settings(cls, source: float) -> Iterator["Ecp5Pll"]:
        for clki, clkfb in product(range(1, 33), range(1, 81)):
            pfd = source / clki
            fed_back = pfd * clkfb
            if not (10 <= pfd <= 400 and 10 <= fed_back <= 400):
                continue
            for clkop in range(max(1, ceil(400 / fed_back)), min(128, int(800 / fed_back)) + 1):
                vco = fed_back * clkop
                for clkos in range(max(1, ceil(vco / 400)), min(128, int(vco / 3.125)) + 1):
                    yield cls(vco / clkos, clki, clkfb, clkop, clkos)


@dataclass(frozen=True)
class GowinPll:
    """rPLL: ``out = in * fbdiv / idiv``, ``vco = out * odiv``.

    Frequency of the phase detector: ``in / idiv``. Ranges are those common to GW1NR-9 C6/I5 and
    GW2AR-18 C8/I7.
    """

    clock: float
    idiv: int
    fbdiv: int
    odiv: int

    @classmethod
    def settings(cls, source: float) -> Iterator["GowinPll"]:
        odivs = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
        for idiv, fbdiv in product(range(1, 65), range(1, 65)):
            pfd, clock = source / idiv, source * fbdiv / idiv
            if not (3 <= pfd <= 400 and 3.9 <= clock <= 600):
                continue
            for odiv in odivs:
                if 500 <= clock * odiv <= 1200:
                    yield cls(clock, idiv, fbdiv, odiv)
                    break


#: Family -> its PLL.
PLLS = {"ice40": Ice40Pll, "ecp5": Ecp5Pll, "gowin": GowinPll}

#: Largest relative difference between the requested clock and that of a setting.
_TOLERANCE = 0.02


def pll(family: str, source: float, clock: float) -> Ice40Pll | Ecp5Pll | GowinPll:
    """The setting of the PLL of ``family`` whose clock from ``source`` is nearest to ``clock``.

    Of equally near settings it is the one with the fastest phase detector, which has the least
    jitter.

    Raises
    ------
    NoPll : none is within 2 %; the message has the nearest.
    """
    kind = PLLS[family]
    best = min(kind.settings(source), key=lambda made: abs(made.clock - clock), default=None)
    if best is None or abs(best.clock - clock) > _TOLERANCE * clock:
        near = f"; the nearest is {best.clock:g} MHz" if best else ""
        raise NoPll(f"the PLL cannot make {clock:g} MHz from {source:g} MHz{near}")
    return best
