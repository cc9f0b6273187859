"""The sweep as a self-contained HTML page: the plot, and all results in tables."""

import base64
from html import escape
from math import inf

from celosia.boards import Board, Fact
from celosia.report.document import document
from celosia.report.html import Raw, cards, section, table

from .point import Point
from .sweep import Exploration, port_limit
from .table import COLUMNS, cells, notes, too_large, used_columns

__all__ = ["render"]

_HEADER = tuple(name for name, _ in COLUMNS)


def render(found: Exploration, picture: bytes) -> str:
    """HTML of ``found``, with ``picture``: its plot as SVG."""
    outline = found.outline
    parts = [
        ("picture", "At a glance", _picture(found, picture)),
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
    priced = [
        (point.board.price.limit, point.board)
        for point in found.fitting
        if point.board.price and point.board.price.limit is not None
    ]
    if priced:
        _, board = min(priced, key=lambda each: each[0])
        entries.append(("cheapest that holds it", board.title, str(board.price)))
    return entries


def _where(point: Point) -> str:
    guess = "" if point.clock and point.clock.measured else ", estimated clock"
    return f"{point.name} on {point.board.title}{guess}"


def _picture(found: Exploration, picture: bytes) -> Raw:
    data = base64.b64encode(picture).decode()
    text = f"Speed of {len(found.fitting)} engines over their size; the tables have the values"
    image = f'<img class="picture" alt="{escape(text)}" src="data:image/svg+xml;base64,{data}">'
    return section("picture", "At a glance", Raw(image))


def _front(found: Exploration) -> Raw:
    title = "Pareto front"
    if not found.front:
        return section("front", title, "Empty: no engine that holds the model has a clock.")
    rows = [
        (point.board.name, str(point.board.price or ""), str(point.board.power or ""))
        + cells(point)
        for point in found.front
    ]
    return section(
        "front",
        title,
        "By price class, latency of one image and images/s of many: no other engine is better in "
        "one of these and at least as good in the others.",
        _table(("board", "price", "power", *_HEADER), rows, title),
    )


def _boards(found: Exploration) -> Raw:
    rows = [
        (
            board.name,
            board.title,
            *_said(board.price),
            *_said(board.power),
            f"{port_limit(board, found.outline):,.0f}",
        )
        for board in found.boards
    ]
    header = ("board", "FPGA", "price", "as of", "power", "as of", "images/s of its port")
    return section("boards", "Boards", table(header, rows, "Boards"))


def _said(fact: Fact | None) -> tuple[str, str]:
    return (str(fact), fact.date) if fact else ("not known", "")


def _board(found: Exploration, board: Board) -> Raw:
    points, best = found.of(board), {id(point) for point in found.front}
    rows = [
        (*cells(point), "front" if id(point) in best else "")
        for point in points
        if point.candidate.fits
    ]
    content = [_table((*_HEADER, ""), rows, board.title)] if rows else []
    return section(
        board.name, board.title, *content, *(f"Does not fit: {line}." for line in too_large(points))
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]], label: str) -> Raw:
    """A table without its empty columns, and with the clocks' sources in notes below it."""
    source = header.index("clock")
    name = header.index("engine")
    said: dict[str, list[str]] = {}
    for row in rows:
        if row[source]:
            said.setdefault(row[source], []).append(row[name])
    kept = [index for index in used_columns(rows) if index != source]
    drawn = table(
        [header[index] for index in kept], [[row[index] for index in kept] for row in rows], label
    )
    notes = "".join(
        f'<p class="note">Clock of {escape(", ".join(dict.fromkeys(names)))}: {escape(text)}.</p>'
        for text, names in said.items()
    )
    return Raw(drawn + notes)
