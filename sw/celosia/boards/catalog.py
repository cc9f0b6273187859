"""All supported boards."""

from collections.abc import Mapping
from types import MappingProxyType

from celosia.spec.timing import MULTICYCLE_CYCLES
from celosia.support.errors import CelosiaError

from .board import Board, Fact, Resources

__all__ = ["BOARDS", "board"]

_UP5K = Resources(
    luts=5280,
    ffs=5280,
    multiplier="SB_MAC16",
    multipliers=8,
    products=2,
    block_rams=30,
    block_ram_bits=4096,
    single_port_rams=4,
    single_port_ram_bits=256 * 1024,
)
_LFE5U_85F = Resources(
    luts=83640,
    ffs=83640,
    multiplier="MULT18X18D",
    multipliers=156,
    products=2,
    block_rams=208,
    block_ram_bits=18 * 1024,
)
_GW1NR_9 = Resources(
    luts=8640,
    ffs=6480,
    multiplier="MULT9X9",
    multipliers=40,
    products=1,
    block_rams=26,
    block_ram_bits=18 * 1024,
)
_GW2AR_18 = Resources(
    luts=20736,
    ffs=15552,
    multiplier="MULT9X9",
    multipliers=96,
    products=1,
    block_rams=46,
    block_ram_bits=18 * 1024,
)

#: The four single-port RAMs in parallel hold 16,384 words of 8 weights: the MNIST MLP fits.
_UP5K_ENGINE = {
    "rows": 1,
    "cols": 8,
    "lanes": 4,
    "link_bytes": 1,
    "weight_depth": 16384,
    "param_depth": 256,
    "program_depth": 8,
    "act_depth": 512,
    "tables": 0,
    "requantizers": 1,
    "counter_bits": 0,
    "requantizer_cycles": MULTICYCLE_CYCLES,
    "convolution": 0,
    "depthwise": 0,
}
_ECP5_ENGINE = {
    "rows": 8,
    "cols": 8,
    "lanes": 4,
    "link_bytes": 1,
    "weight_depth": 16384,
    "param_depth": 256,
    "program_depth": 16,
    "act_depth": 1024,
    "tables": 1,
    "requantizers": 2,
    "counter_bits": 48,
    "requantizer_cycles": 1,
    "convolution": 0,
    "depthwise": 0,
}
_GOWIN_ENGINE = {
    "rows": 2,
    "cols": 8,
    "lanes": 8,
    "link_bytes": 1,
    "weight_depth": 2048,
    "param_depth": 64,
    "program_depth": 8,
    "act_depth": 256,
    "tables": 0,
    "requantizers": 1,
    "counter_bits": 32,
    "requantizer_cycles": 1,
    "convolution": 0,
    "depthwise": 0,
}


def _price(value: str, limit: float) -> Fact:
    """A price class, which no document of the board states."""
    source = "shops' prices as remembered, not looked up; the boards' own documents name none"
    return Fact(value=value, source=source, date="2026-11-24", estimate=True, limit=limit)


def _power(more: str = "", source: str = "the board's own documents name no figure") -> Fact:
    """An upper bound on the power: that of the USB port which supplies the board."""
    return Fact(
        value="at most 2.5 W" + more,
        source=f"bound: a USB 2.0 port gives 500 mA at 5 V (its specification, 7.2.1); {source}",
        date="2026-11-24",
        estimate=True,
        limit=2.5,
    )


_POWER = _power()
_UP5K_POWER = _power(
    ", of it the FPGA 3.3 mW with no more than a counter at 48 MHz",
    "2.57 + 0.10 mA at 1.219 V: github.com/tinyvision-ai-inc/ice40_power, README, measured on "
    "Lattice's breakout board",
)
_ULX3S_POWER = _power(
    "", "the manual sets the same for its USB port: github.com/emard/ulx3s, doc/MANUAL.md"
)

_ALL = (
    Board(
        name="icebreaker",
        title="iCEBreaker, iCE40UP5K",
        family="ice40",
        device="up5k",
        package="sg48",
        oscillator_mhz=12,
        clock_mhz=30,
        resources=_UP5K,
        config=_UP5K_ENGINE,
        baud=3_000_000,
        price=_price("50 to 100 USD", 100),
        power=_UP5K_POWER,
    ),
    Board(
        name="upduino",
        title="UPduino 3, iCE40UP5K",
        family="ice40",
        device="up5k",
        package="sg48",
        oscillator_mhz=48,
        clock_mhz=24,
        resources=_UP5K,
        config=_UP5K_ENGINE,
        baud=3_000_000,
        price=_price("25 to 50 USD", 50),
        power=_UP5K_POWER,
    ),
    Board(
        name="ulx3s-85f",
        title="ULX3S, ECP5 LFE5U-85F",
        family="ecp5",
        device="85k",
        package="CABGA381",
        oscillator_mhz=25,
        clock_mhz=100,
        resources=_LFE5U_85F,
        config=_ECP5_ENGINE,
        baud=3_000_000,
        price=_price("100 to 200 USD", 200),
        power=_ULX3S_POWER,
    ),
    Board(
        name="tang-nano-9k",
        title="Tang Nano 9K, GW1NR-9C",
        family="gowin",
        device="GW1NR-LV9QN88PC6/I5",
        package="GW1N-9C",
        oscillator_mhz=27,
        clock_mhz=27,
        resources=_GW1NR_9,
        config=_GOWIN_ENGINE,
        baud=2_000_000,
        price=_price("under 25 USD", 25),
        power=_POWER,
    ),
    Board(
        name="tang-nano-20k",
        title="Tang Nano 20K, GW2AR-18C",
        family="gowin",
        device="GW2AR-LV18QN88C8/I7",
        package="GW2A-18C",
        oscillator_mhz=27,
        clock_mhz=27,
        resources=_GW2AR_18,
        config=_GOWIN_ENGINE,
        baud=2_000_000,
        price=_price("25 to 50 USD", 50),
        power=_POWER,
    ),
)

#: Every board by its name, cheap ones first within a family.
BOARDS: Mapping[str, Board] = MappingProxyType({each.name: each for each in _ALL})


def board(name: str) -> Board:
    """The board of that name.

    Raises
    ------
    CelosiaError : unknown board.
    """
    try:
        return BOARDS[name]
    except KeyError:
        raise CelosiaError(
            f"unknown board {name!r}", where="board", todo=f"known: {', '.join(BOARDS)}"
        ) from None
