"""The sweep as a self-contained HTML page: the plot, and all results in tables."""

import base64
from html import escape
from math import inf

from celosia.boards import Board
from celosia.report.document import document
from celosia.report.html import Raw, cards, section, table

from .point import Point
from .sweep import Exploration, port_limit
from .table import COLUMNS, cells, clock_notes, facts, notes, too_large, used_columns

__all__ = ["render"]

#: Columns of the tables: on a narrow page the first ones are seen without moving it.
_ORDER = tuple(
    [name for name, _ in COLUMNS].index(name)
    for name in (
        "engine",
        "images/s",
        "latency",
        "MHz",
        "LUTs",
        "mult.",
        "RAM",
        "cycles",
        "per image",
    )
)
_HEADER = tuple(COLUMNS[index][0] for index in _ORDER)


def render(found: Exploration, pictures: list[bytes]) -> str:
    """HTML of ``found``, with ``pictures``: its plots as SVG."""
    outline = found.outline
    parts = [
        ("picture", "At a glance", _pictures(found, pictures)),
        ("front", "Pareto front", _front(found)),
        ("boards", "Boards", _boards(found)),
        *((board.name, board.title, _board(found, board)) for board in found.boards),
        (
            "notes",
            "What the columns mean",
            section("notes", "What the columns mean", *notes(found)),
        ),
    ]
    lead = (
        f"{outline.kind}, {len(outline.layers)} layers, {outline.macs:,} multiply-accumulates "
        f"per image; {len(found.points):,} engines on {len(found.boards)} boards."
    )
    name = outline.name
    return document("hardware choice", name, name, lead, cards(_best(found)), parts)


def _best(found: Exploration) -> list[tuple[str, object, str]]:
    entries: list[tuple[str, object, str]] = [
        ("engines that hold it", f"{len(found.fitting):,}", f"of {len(found.points):,}")
    ]
    if found.front:
        fastest = max(found.front, key=lambda point: point.images_per_second or 0.0)
        quickest = min(found.front, key=lambda point: point.latency_seconds or inf)
        assert quickest.latency_seconds is not None  # points of the front have a clock
        entries += [
            ("most images/s", f"{fastest.images_per_second:,.0f}", _where(fastest)),
            ("least latency", f"{quickest.latency_seconds * 1e6:,.1f} us", _where(quickest)),
        ]
    # Of all that hold the model: the cheapest board need not be on the front, nor have a clock.
    prices: dict[Board, float] = {
        point.board: point.board.price.limit
        for point in found.fitting
        if point.board.price and point.board.price.limit is not None
    }
    if prices:
        boards = [board for board, price in prices.items() if price == min(prices.values())]
        placed = any(each.candidate.placement for board in boards for each in found.of(board))
        names = ", ".join(board.title for board in boards)
        price = f"{boards[0].price}{'' if placed else '; no engine of it was placed'}"
        entries.append(("cheapest that holds it", names, price))
    return entries


def _where(point: Point) -> str:
    guess = "" if point.clock and point.clock.measured else ", estimated clock"
    return f"{point.name} on {point.board.title}{guess}"


def _pictures(found: Exploration, pictures: list[bytes]) -> Raw:
    text = f"Speed of {len(found.fitting)} engines over their size; the tables have the values"
    images = "".join(
        f'<img class="picture" alt="{escape(text)}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(each).decode()}">'
        for each in pictures
    )
    return section("picture", "At a glance", Raw(f'<div class="pictures">{images}</div>'))


def _front(found: Exploration) -> Raw:
    title = "Pareto front"
    if not found.front:
        return section("front", title, "Empty: no engine that holds the model has a clock.")
    rows = [(point.board.name, *_row(point, False), facts(point.board)[0]) for point in found.front]
    return section(
        "front",
        title,
        "By price class, latency of one image and images/s of many: no other engine is better in "
        "one of these and at least as good in the others.",
        _table(("board", *_HEADER, "price"), rows, title),
    )


def _boards(found: Exploration) -> Raw:
    rows = [
        (
            board.name,
            *facts(board),
            f"{port_limit(board, found.outline):,.0f}",
        )
        for board in found.boards
    ]
    header = ("board", "price", "power", "images/s of its port")
    return section("boards", "Boards", table(header, rows, "Boards", "engines"))


def _board(found: Exploration, board: Board) -> Raw:
    points, best = found.of(board), {id(point) for point in found.front}
    rows = [_row(point, id(point) in best) for point in points if point.candidate.fits]
    content = [_table(_HEADER, rows, board.title)] if rows else []
    content += [Raw(f'<p class="note">{escape(line)}</p>') for line in clock_notes(points)]
    return section(
        board.name, board.title, *content, *(f"Does not fit: {line}." for line in too_large(points))
    )


def _row(point: Point, best: bool) -> tuple[str, ...]:
    texts = cells(point, best)
    return tuple(texts[index] for index in _ORDER)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]], label: str) -> Raw:
    """A table without its empty columns."""
    kept, header = used_columns(rows), tuple(map(Raw, header))
    rows_kept = [[row[index] for index in kept] for row in rows]
    return table([header[index] for index in kept], rows_kept, label, "engines")
