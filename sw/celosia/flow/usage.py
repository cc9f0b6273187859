"""Reading nextpnr's report: cells by type, and clocks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from celosia.support.errors import CelosiaError

__all__ = [
    "Counts",
    "clock_share",
    "ecp5_counts",
    "gowin_counts",
    "ice40_counts",
    "read_report",
    "too_many",
]


@dataclass(frozen=True)
class Counts:
    """Number of cells used and available, by the names of `celosia.boards.Placement.used`."""

    used: Mapping[str, int]
    available: Mapping[str, int]


def read_report(path: Path) -> dict:
    """The report of nextpnr (``--report``): ``utilization`` and ``fmax``.

    Raises
    ------
    CelosiaError : it does not exist, or is not a report.
    """
    try:
        report = json.loads(path.read_bytes())
        cells = report["utilization"]
        if not all(type(cell[key]) is int for cell in cells.values() for key in _KEYS):
            raise ValueError("a number of cells is not an integer")
        if not all(clock["constraint"] > 0 for clock in report["fmax"].values()):
            raise ValueError("a clock has no constraint")
        return report
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CelosiaError(
            f"nextpnr's report cannot be read: {error}", todo="try the version named in the docs"
        ) from error


_KEYS = ("used", "available")


def too_many(report: Mapping) -> dict[str, tuple[int, int]]:
    """Type -> (needed, available) of the cells of which the device has too few.

    Types with 0 available are nextpnr's internal cells, and not counted.
    """
    pairs = {name: (cell["used"], cell["available"]) for name, cell in _cells(report).items()}
    return {name: pair for name, pair in pairs.items() if pair[0] > pair[1] > 0}


def clock_share(report: Mapping) -> float:
    """Smallest ratio of reached to requested frequency over all clocks.

    Raises
    ------
    CelosiaError : the report has no clock.
    """
    clocks = report["fmax"].values()
    if not clocks:
        raise CelosiaError("nextpnr's report has no clock")
    return min(clock["achieved"] / clock["constraint"] for clock in clocks)


def ice40_counts(report: Mapping, synthesized: Mapping[str, int]) -> Counts:
    """LUTs are the logic cells in use, each of which has a LUT and a flip-flop."""
    cells = _cells(report)
    flip_flops = sum(n for name, n in synthesized.items() if name.startswith("SB_DFF"))
    return _counts(
        luts=_pair(cells, "ICESTORM_LC"),
        ffs=(flip_flops, _pair(cells, "ICESTORM_LC")[1]),
        multipliers=_pair(cells, "ICESTORM_DSP"),
        block_rams=_pair(cells, "ICESTORM_RAM"),
        single_port_rams=_pair(cells, "ICESTORM_SPRAM"),
    )


def ecp5_counts(report: Mapping, synthesized: Mapping[str, int]) -> Counts:
    """LUTs include carry chains and small memories, which are made of LUTs."""
    cells = _cells(report)
    return _counts(
        luts=_pair(cells, "TRELLIS_COMB"),
        ffs=_pair(cells, "TRELLIS_FF"),
        multipliers=_pair(cells, "MULT18X18D"),
        block_rams=_pair(cells, "DP16KD"),
    )


def gowin_counts(report: Mapping, synthesized: Mapping[str, int]) -> Counts:
    """LUTs include carry cells and small memories, whose places nextpnr counts as LUTs. Its count
    of flip-flops includes the places that small memories take; ``synthesized`` has their number.
    Multipliers of all widths share the same blocks, and are counted in those of 9 bits."""
    cells = _cells(report)
    multipliers = _pair(cells, "MULT9X9")[1]
    flip_flops = sum(n for name, n in synthesized.items() if name.startswith("DFF"))
    share = sum(
        cell["used"] / cell["available"]
        for name, cell in cells.items()
        if name.startswith("MULT") and cell["available"]
    )
    return _counts(
        luts=_pair(cells, "LUT4"),
        ffs=(flip_flops, _pair(cells, "DFF")[1]),
        multipliers=(round(share * multipliers), multipliers),
        block_rams=_pair(cells, "BSRAM"),
    )


def _counts(**pairs: tuple[int, int]) -> Counts:
    pairs = {"single_port_rams": (0, 0)} | pairs
    return Counts(
        {name: used for name, (used, _) in pairs.items()},
        {name: available for name, (_, available) in pairs.items()},
    )


def _cells(report: Mapping) -> Mapping[str, Mapping[str, int]]:
    return report["utilization"]


def _pair(cells: Mapping, name: str) -> tuple[int, int]:
    try:
        return cells[name]["used"], cells[name]["available"]
    except KeyError:
        raise CelosiaError(f"nextpnr's report has no count of {name}") from None
