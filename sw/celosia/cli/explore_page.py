"""What `celosia explore` shows: boards, their engines, and the Pareto front."""

from rich.text import Text

from celosia.explore import Exploration, port_limit
from celosia.explore.table import (
    COLUMNS,
    cells,
    clock_notes,
    facts,
    notes,
    too_large,
    used_columns,
)

from .console import Console
from .page import columns, heading

__all__ = ["show"]

_HEADER = tuple(f">{name}" if right else name for name, right in COLUMNS)
#: Columns of the Pareto front: engine, MHz, latency, images/s.
_FRONT = (0, 3, 4, 5)


def show(found: Exploration, console: Console) -> None:
    """All that a person asks for; nothing but names when operations are not supported."""
    outline = found.outline
    size = f", {len(outline.layers)} layers, {outline.macs:,} MACs" if outline.layers else ""
    heading(console, f"{outline.name}: {outline.kind}{size}")
    if outline.unsupported:
        names = ", ".join(sorted({op.kind for op in outline.unsupported}))
        console.say(f"unsupported operations ({names}); `celosia check` says where", "bold red")
        return
    heading(console, "boards")
    columns(
        console,
        ("board", "price", "power", ">images/s of its port"),
        [
            (board.name, *facts(board), f"{port_limit(board, outline):,.0f}")
            for board in found.boards
        ],
    )
    best = {id(point) for point in found.front}
    for board in found.boards:
        points = found.of(board)
        heading(console, f"{board.name}: {board.title}")
        rows = [
            tuple(
                Text(cell, "bold green" if id(point) in best else "")
                for cell in cells(point, id(point) in best)
            )
            for point in points
            if point.candidate.fits
        ]
        _columns(console, _HEADER, rows)
        for line in clock_notes(points):
            console.say(f"  {line}", "dim")
        for line in too_large(points):
            console.say(f"  does not fit: {line}", "red")
    if found.front:
        heading(console, "Pareto front (*): price, latency, images/s")
        _columns(
            console,
            ("board", "price", *(_HEADER[column] for column in _FRONT)),
            [
                (
                    point.board.name,
                    facts(point.board)[0],
                    *(cells(point, False)[column] for column in _FRONT),
                )
                for point in found.front
            ],
        )
    console.say()
    for line in notes(found):
        console.say(line, "dim")


def _columns(console: Console, header: tuple[str, ...], rows: list[tuple]) -> None:
    """`columns` without those in which there is nothing."""
    kept = used_columns(rows)
    columns(
        console,
        tuple(header[index] for index in kept),
        [tuple(row[index] for index in kept) for row in rows],
    )
