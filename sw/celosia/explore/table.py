"""The sweep's tables as text, the same for terminal and page."""

from collections.abc import Iterable, Sequence

from celosia.boards import Board, Fact

from .point import Point
from .sweep import Exploration

__all__ = ["COLUMNS", "cells", "clock_notes", "facts", "notes", "too_large", "used_columns"]

#: Name of each column, and whether it has numbers: a table is at most 80 characters wide.
COLUMNS = (
    ("engine", False),
    ("cycles", True),
    ("per image", True),
    ("MHz", True),
    ("latency", True),
    ("images/s", True),
    ("mult.", True),
    ("RAM", True),
    ("LUTs", True),
)
#: Engines that do not fit are named up to this number.
_NAMED = 6


def cells(point: Point, best: bool) -> tuple[str, ...]:
    """Text of each of `COLUMNS` for an engine that holds the model; ``best`` marks one on the
    Pareto front.

    RAM is the share of the kind of memory of which the engine needs most.
    """
    cycles, clock, latency = point.cycles, point.clock, point.latency_seconds
    assert cycles is not None  # it holds the model
    about = "" if cycles.exact else "~"
    guess = "" if clock and clock.measured else "~"
    rate = guess or about
    shares = {
        each.what: (each.count / each.available, "" if each.measured else "~")
        for each in point.used
        if each.count is not None
    }
    rams = [shares[what] for what in ("block_rams", "single_port_rams") if what in shares]
    used = (shares.get("multipliers"), max(rams, default=None), shares.get("luts"))
    return (
        f"{point.name} *" if best else point.name,
        f"{about}{cycles.latency:,}",
        f"{about}{cycles.per_image:,.1f}",
        f"{guess}{clock.mhz:.1f}" if clock else "",
        f"{rate}{_seconds(latency)}" if latency is not None else "",
        f"{rate}{point.images_per_second:,.0f}" if clock else "",
        *("" if each is None else f"{each[1]}{each[0]:.0%}" for each in used),
    )


def facts(board: Board) -> tuple[str, str]:
    """Price and power of a board in few words, marked with ~ when estimated."""
    price = board.price.value if board.price else "not known"
    power = f"at most {board.power.limit:g} W" if board.power else "not known"
    return price + _mark(board.price), power + _mark(board.power)


def _mark(fact: Fact | None) -> str:
    return " ~" if fact and fact.estimate else ""


def clock_notes(points: Iterable[Point]) -> list[str]:
    """Where the clocks of those ``points`` that hold the model are from, a line for each source."""
    said: dict[str, list[str]] = {}
    for point in points:
        source = f"clock of {{}}: {point.clock.source}" if point.clock else ""
        if not point.clock and point.candidate.almost:
            source = f"no clock of {{}}: {point.candidate.almost}"
        if source and point.candidate.fits:
            said.setdefault(source, []).append(point.name)
    return [source.format(", ".join(dict.fromkeys(names))) for source, names in said.items()]


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
        names = ", ".join(point.name for point in group[:_NAMED])
        if len(group) > _NAMED:
            names += f" and {len(group) - _NAMED} more"
        smallest = min(group, key=lambda p: sum(s.needed for s in p.candidate.short))
        why = "; ".join(map(str, smallest.candidate.short))
        of = f"the smallest, {smallest.name}: " if len(group) > 1 else ""
        lines.append(f"{names}: {of}{why}")
    return lines


def notes(found: Exploration) -> list[str]:
    """Meaning and sources of the columns, a line each."""
    lines = [
        "cycles: of one image alone, per image in full batches; link never idle, no zeros skipped",
        "mult., RAM, LUTs: shares of the FPGA's, of RAM that of the fullest kind; counts: --json",
        "~ is counted, not placed: only placing tells whether the logic fits",
        "*: on the Pareto front, no other engine is better in price, latency and images/s",
    ]
    if any(point.cycles and not point.cycles.exact for point in found.fitting):
        lines.append("cycles: ~ estimate, where not every cycle of a large model is gone through")
    clocked = [point for point in found.fitting if point.clock]
    bare = len(found.fitting) - len(clocked)
    if not clocked and bare:
        lines.append(
            "no clock is known: no engine of this sweep was placed on these boards, so latency, "
            "images/s and Pareto front are missing; `make report` places the usual engines"
        )
    elif bare:
        lines.append(f"{bare} engines have no clock: they were not placed")
    if any(point.clock and not point.clock.measured for point in clocked):
        lines.append(
            "clock: ~ estimate, that of the next larger engine placed on the same FPGA; it does "
            "not dominate a measured one"
        )
    lines.append("images/s of its port: upper bound, from the input bytes at the board's baud rate")
    lines.append("price, power: ~ estimate, which no document states exactly so")
    for what in ("price", "power"):
        names: dict[str, list[str]] = {}
        for board in found.boards:
            if fact := getattr(board, what):
                names.setdefault(f"{fact.source} ({fact.date})", []).append(board.name)
        lines += [f"{what} of {', '.join(said)}: {source}" for source, said in names.items()]
    return lines


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:,.2f} ms"
