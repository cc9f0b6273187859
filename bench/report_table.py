"""Text of docs/boards/report.md, the table of placements."""

from collections.abc import Iterable

from bench.engines import ENGINES, Engine
from celosia.boards import BOARDS, Placement
from celosia.flow.speed import MNIST_MLP, mnist_mlp

__all__ = ["NOTICE", "report_table", "title"]

NOTICE = "Generated from `sw/celosia/boards/placements.json` by `make report`; do not edit."
_NETWORKS = ("KWS", "IC", "VWW")
_HEADER = (
    "engine",
    "cells",
    "LUTs",
    "flip-flops",
    "multipliers",
    "block RAM",
    "requested, MHz",
    "reached, MHz",
    "each seed",
    "million MAC/s",
    "MNIST images/s",
    *(f"{network} images/s" for network in _NETWORKS),
)
_ABOUT = f"""\
What nextpnr reports of whole designs: engine, memories, serial link, clock and pins. *Reached* is
the median of the seeds. LUTs include carry chains and small memories; of an iCE40 they are logic
cells, each a LUT and a flip-flop. MAC/s are those of all multipliers at the requested clock;
images/s those of the MLP {"-".join(map(str, MNIST_MLP))} and of MLPerf Tiny's keyword spotting,
image classification and visual wake words (folded), in full batches, by the cycle model, without
skipping zeros and without the serial line, which is slower. They are empty where the clock is not
met, and where a network does not fit. For Gowin nextpnr's timing does not include the multipliers:
there *reached* may be too high."""


def title(placement: Placement) -> str:
    """Name of the placed engine in `ENGINES`; else board and configuration."""
    engine = _engine(placement)
    return engine.name if engine else f"{placement.board} {placement.engine}"


def _engine(placement: Placement) -> Engine | None:
    return next((engine for engine in ENGINES if engine.is_of(placement)), None)


def report_table(placements: Iterable[Placement]) -> str:
    """The page as Markdown, in the order of `ENGINES`."""
    order = {engine.name: index for index, engine in enumerate(ENGINES)}
    placements = sorted(
        placements, key=lambda each: (order.get(title(each), len(order)), title(each))
    )
    lines = [
        "# Placed and routed\n",
        f"{NOTICE}\n",
        f"{_ABOUT}\n",
        _row(_HEADER),
        _row("---" for _ in _HEADER),
        *(_row(_cells(each)) for each in placements),
        "\n## How\n",
        _row(("engine", "device", "synthesis", "seeds", "tools", "date")),
        _row("---" for _ in range(6)),
        *(_row(_how(each)) for each in placements),
    ]
    return "\n".join(lines) + "\n"


def _cells(placement: Placement) -> tuple[str, ...]:
    met, clock = placement.met, placement.clock_mhz
    speed = mnist_mlp(placement.engine, clock)
    images = "does not fit" if speed.status else f"{speed.images_per_second:,.0f}"
    rams = _of(placement, "block_rams")
    if placement.available["single_port_rams"]:
        rams += f", single-port {_of(placement, 'single_port_rams')}"
    reached = f"{placement.fmax_mhz:.1f}"
    return (
        title(placement),
        placement.technology,
        _of(placement, "luts"),
        _of(placement, "ffs"),
        _of(placement, "multipliers"),
        rams,
        f"{clock:g}",
        f"**{reached}**" if met else f"{reached}, not met",
        ", ".join(f"{result.fmax_mhz:.1f}" for result in placement.results),
        f"{placement.engine.multipliers * clock:,.0f}" if met else "",
        images if met else "",
        *(_rate(placement, network) if met else "" for network in _NETWORKS),
    )


def _rate(placement: Placement, network: str) -> str:
    engine = _engine(placement)
    if not engine or network not in engine.cycles:
        return ""
    return f"{placement.clock_mhz * 1e6 / engine.cycles[network]:,.0f}"


def _how(placement: Placement) -> tuple[str, ...]:
    return (
        title(placement),
        BOARDS[placement.board].title,
        f"`{placement.options}`",
        ", ".join(str(result.seed) for result in placement.results),
        ", ".join(f"{name} {version}" for name, version in placement.tools.items()),
        placement.date,
    )


def _of(placement: Placement, name: str) -> str:
    used, available = placement.used[name], placement.available[name]
    return f"{used:,} ({used / available:.0%})" if available else f"{used:,}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
