"""The sweep's tables as text, the same for terminal and page."""

from collections.abc import Iterable, Sequence

from .point import Point, Used
from .sweep import Exploration

__all__ = ["COLUMNS", "cells", "notes", "too_large", "used_columns"]

#: Name of each column, and whether it has numbers.
COLUMNS = (
    ("engine", False),
    ("cycles", True),
    ("per image", True),
    ("MHz", True),
    ("clock", False),
    ("latency", True),
    ("one by one", True),
    ("images/s", True),
    ("multipliers", True),
    ("block RAM", True),
    ("single-port RAM", True),
    ("LUTs", True),
)
_USED = ("multipliers", "block_rams", "single_port_rams", "luts")


def cells(point: Point) -> tuple[str, ...]:
    """Text of each of `COLUMNS` for an engine that holds the model."""
    cycles, clock, latency = point.cycles, point.clock, point.latency_seconds
    assert cycles is not None  # it holds the model
    about = "" if cycles.exact else "~"
    guess = "" if clock and clock.measured else "~"
    used = {each.what: each for each in point.used}
    return (
        point.name,
        f"{about}{cycles.latency:,}",
        f"{about}{cycles.per_image:,.1f}",
        f"{guess}{clock.mhz:.1f}" if clock else "",
        clock.source if clock else point.candidate.almost or "not placed",
        f"{guess}{_seconds(latency)}" if latency is not None else "",
        f"{guess}{point.single_per_second:,.0f}" if clock else "",
        f"{guess}{point.images_per_second:,.0f}" if clock else "",
        *(_count(used.get(what)) for what in _USED),
    )


def used_columns(rows: Sequence[Sequence[object]]) -> list[int]:
    """Indices of the columns that are not empty."""
    return [index for index, column in enumerate(zip(*rows, strict=True)) if any(map(str, column))]


def too_large(points: Iterable[Point]) -> list[str]:
    """Engines that do not fit, with their shortages; one line for each set of short resources."""
    groups: dict[tuple[str, ...], list[Point]] = {}
    for point in points:
        if not point.candidate.fits:
            groups.setdefault(tuple(s.what for s in point.candidate.short), []).append(point)
    lines = []
    for group in groups.values():
        names = ", ".join(point.name for point in group)
        smallest = min(group, key=lambda p: sum(s.needed for s in p.candidate.short))
        why = "; ".join(map(str, smallest.candidate.short))
        of = f"the smallest, {smallest.name}: " if len(group) > 1 else ""
        lines.append(f"{names}: {of}{why}")
    return lines


def notes(found: Exploration) -> list[str]:
    """Meaning and sources of the columns, a line each."""
    lines = [
        "cycles: of one image alone, per image in full batches; link never idle, no zeros skipped",
        "multipliers, RAM: ~ is counted, not placed; only placing tells whether the logic fits",
    ]
    clocked = [point for point in found.fitting if point.clock]
    bare = len(found.fitting) - len(clocked)
    if not clocked and bare:
        lines.append(
            "no clock is known: no engine of this sweep was placed on these boards, so latency, "
            "images/s and Pareto front are missing; `make report` places the usual engines"
        )
    elif bare:
        lines.append(f"{bare} engines have no clock, because exactly these were not placed")
    if any(point.clock and not point.clock.measured for point in clocked):
        lines.append(
            "clock: ~ estimate, that of the next larger engine placed on the board; it does not "
            "dominate a measured one"
        )
    lines.append("images/s of its port: upper bound, from the input bytes at the board's baud rate")
    for what in ("price", "power"):
        names: dict[str, list[str]] = {}
        for board in found.boards:
            if fact := getattr(board, what):
                names.setdefault(f"{fact.source} ({fact.date})", []).append(board.name)
        lines += [f"{what} of {', '.join(said)}: {source}" for source, said in names.items()]
    return lines


def _count(used: Used | None) -> str:
    if used is None or used.count is None:
        return ""
    return f"{'' if used.measured else '~'}{used.count:,}/{used.available:,}"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:,.2f} ms"
