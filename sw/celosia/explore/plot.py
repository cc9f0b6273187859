"""The sweep as a plot, and as a page with the plot."""

import io
import math
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from .page import render
from .point import Point
from .sweep import Exploration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "draw_parts", "require_plot", "write_plot"]

#: Label of an axis, and the value of a point on it.
_Panel = tuple[str, Callable[[Point], Any]]

_KINDS = (".png", ".svg", ".html")
#: One for each board: boards differ in shape as well as in colour.
_MARKERS = "osD^vPX*"
_BEST = "#9c1f5c"
#: Up to this number of engines each has a bar with its value.
_FEW = 8
_COLOURS = ("#2166ac", "#d97a1d", "#1a9079", "#a85fb0", "#8a6d00", "#b3261e", "#5c5c63", "#1d1d1f")


def require_plot(path: str) -> None:
    """Refuse a plot that cannot be drawn, before the sweep.

    Raises
    ------
    CelosiaError : the file's suffix is not that of a plot, or matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in _KINDS:
        raise CelosiaError(
            f"{Path(path).suffix!r} is not a format for plots", where=path,
            todo=f"name it {_KINDS[0]}, {' or '.join(_KINDS[1:])}",
        )  # fmt: skip
    if find_spec("matplotlib") is None:
        raise CelosiaError(
            "a plot needs matplotlib",
            where="--plot",
            todo="install it with: pip install 'celosia[explore]'",
        )


def write_plot(found: Exploration, path: str) -> None:
    """Draw ``found`` into a file, whose suffix selects the format; the file is written atomically.

    Raises
    ------
    CelosiaError : see `require_plot`; or the file cannot be written.
    """
    require_plot(path)
    kind = Path(path).suffix.lower()
    if kind == ".html":
        atomic_write(path, render(found, draw_parts(found)).encode())
    else:
        atomic_write(path, draw(found, kind[1:]))


def draw(found: Exploration, kind: str) -> bytes:
    """The plot in format ``kind``, "png" or "svg": equal explorations give equal bytes.

    It shows images/s and latency over the number of multiply-accumulators, of few engines as bars
    with their values; cycles instead, when no clock is known.
    """
    from matplotlib.figure import Figure

    points, clocked, panels = _shown(found)

    def filled() -> "Figure":
        figure = Figure(figsize=(11, 6), layout="constrained")
        title = f"{found.outline.name}: {found.outline.macs:,} MACs per image"
        if absent := len(found.fitting) - len(points):
            title += f" ({absent} engines without a clock are not shown)"
        figure.suptitle(title)
        for axes, (label, value) in zip(figure.subplots(1, 2), panels, strict=True):
            _panel(axes, found, points, label, value)
        handles = [*_board_handles(found, points), *_kind_handles(clocked)]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
        return figure

    return _saved(filled, kind)


def draw_parts(found: Exploration) -> list[bytes]:
    """The same as three SVGs, two plots and their legend, which a narrow page shows in a column."""
    from matplotlib.figure import Figure

    points, clocked, panels = _shown(found)

    def plot(label: str, value: Callable[[Point], Any]) -> "Figure":
        figure = Figure(figsize=(4.6, 4.2), layout="constrained")
        _panel(figure.subplots(), found, points, label, value)
        return figure

    def legend() -> "Figure":
        handles = [*_board_handles(found, points), *_kind_handles(clocked)]
        figure = Figure(figsize=(4.6, 0.24 * len(handles) + 0.2))
        figure.legend(handles=handles, loc="center left", frameon=False)
        return figure

    drawn = [_saved(partial(plot, *panel), "svg") for panel in panels]
    return [*drawn, _saved(legend, "svg")]


def _shown(found: Exploration) -> tuple[list[Point], bool, tuple[_Panel, _Panel]]:
    """The engines that are drawn, whether they have clocks, and what is drawn of them."""
    clocked = any(point.clock for point in found.points)
    points = [point for point in found.fitting if point.clock or not clocked]
    if clocked:
        return points, True, (
            ("images/s, many", lambda p: p.images_per_second),
            ("latency of one image, us", lambda p: p.latency_seconds * 1e6),
        )  # fmt: skip
    return points, False, (
        ("cycles per image, many", lambda p: p.cycles.per_image),
        ("cycles of one image alone", lambda p: p.cycles.latency),
    )  # fmt: skip


def _saved(make: "Callable[[], Figure]", kind: str) -> bytes:
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "celosia", "font.size": 9}):
        out = io.BytesIO()
        # Without a date, so that equal plots are equal files.
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        make().savefig(out, format=kind, dpi=150, metadata=metadata)
    return out.getvalue()


def _panel(
    axes: "Axes",
    found: Exploration,
    points: list[Point],
    label: str,
    value: Callable[[Point], Any],
) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    if 0 < len(points) <= _FEW:
        _bars(axes, found, points, label, value)
        return
    best = {id(point) for point in found.front}
    ring: dict[str, Any] = {"marker": "o", "c": "none", "edgecolors": _BEST, "linewidths": 1.6}
    labels: dict[tuple[float, float], list[str]] = {}
    for index, board in enumerate(found.boards):
        colour, marker = _style(index)
        # An offset for each board, so that markers of equal engines do not cover each other.
        aside = 2 ** (0.09 * (index - (len(found.boards) - 1) / 2))
        for point in points:
            if point.board is not board:
                continue
            x, y = point.candidate.rows * point.candidate.cols * aside, value(point)
            filled = point.clock is not None and point.clock.measured
            face = colour if filled else "none"
            mark: dict[str, Any] = {"marker": marker, "c": face, "edgecolors": colour}
            axes.scatter(x, y, 34, zorder=3, linewidths=1.1, **mark)
            if id(point) in best:
                axes.scatter(x, y, 150, **ring)
                # One label for markers at the same place.
                size = point.candidate.rows * point.candidate.cols
                labels.setdefault((size, round(math.log(y), 1)), []).append(point.name)
    for (x, y), names in labels.items():
        place: dict[str, Any] = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center"}
        axes.annotate(", ".join(dict.fromkeys(names)), (x, math.exp(y)), color=_BEST, **place)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.margins(0.1, 0.12)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(lambda n, _: f"{n:g}")
    axes.yaxis.set_major_formatter(lambda n, _: f"{n:,g}")
    axes.set_xlabel("multiply-accumulators, rows x cols")
    axes.set_ylabel(label)
    axes.grid(True, which="major", color="#dcd9d2", linewidth=0.7)
    axes.set_axisbelow(True)
    if not points:
        axes.text(0.5, 0.5, "no engine fits", transform=axes.transAxes, ha="center")


def _bars(
    axes: "Axes",
    found: Exploration,
    points: list[Point],
    label: str,
    value: Callable[[Point], Any],
) -> None:
    best = {id(point) for point in found.front}
    values = [value(point) for point in points]
    for at, point in enumerate(points):
        colour, _ = _style(found.boards.index(point.board))
        face = colour if point.clock is not None and point.clock.measured else "none"
        axes.barh(at, values[at], 0.6, color=face, edgecolor=colour, linewidth=1.1)
        style: dict[str, Any] = {"color": _BEST, "weight": "bold"} if id(point) in best else {}
        axes.annotate(
            f"{values[at]:,.1f}" if values[at] < 1000 else f"{values[at]:,.0f}", (values[at], at),
            xytext=(4, 0), textcoords="offset points", va="center", **style,
        )  # fmt: skip
    axes.set_yticks(range(len(points)), [f"{each.name}\n{each.board.name}" for each in points])
    axes.set_ylim(max(len(points), 3) - 0.4, -0.6)  # the first one at the top
    axes.set_xlim(0, max(values) * 1.25)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(lambda n, _: f"{n:,g}")
    axes.set_xlabel(label)
    axes.grid(True, axis="x", color="#dcd9d2", linewidth=0.7)
    axes.set_axisbelow(True)


def _style(index: int) -> tuple[str, str]:
    """Colour and marker of the board of that index."""
    return _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]


def _board_handles(found: Exploration, points: list[Point]) -> list:
    from matplotlib.lines import Line2D

    handles = []
    for index, board in enumerate(found.boards):
        colour, marker = _style(index)
        price = f", {board.price}" if board.price else ""
        none = "" if any(point.board is board for point in points) else ": no engine"
        handles.append(
            Line2D([], [], ls="", marker=marker, color=colour, label=f"{board.title}{price}{none}")
        )
    return handles


def _kind_handles(clocked: bool) -> list:
    from matplotlib.lines import Line2D

    def handle(label: str, **style: Any) -> Line2D:
        return Line2D([], [], ls="", color="#1d1d1f", label=label, **style)

    if not clocked:
        return [handle("not placed: no clock is known, cycles only", marker="o", mfc="none")]
    return [
        handle("filled: clock measured by placing it", marker="o"),
        handle("hollow: clock estimated", marker="o", mfc="none"),
        handle("ring or bold: Pareto front", marker="o", mfc="none", mec=_BEST, ms=11),
    ]
