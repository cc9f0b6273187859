"""Elements of HTML and SVG; they escape all text."""

import re
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

__all__ = ["Raw", "bar", "bars", "cards", "cell", "digit", "legend", "section", "table"]


class Raw(str):
    """Text that is HTML and is not escaped again."""


def text(value: object) -> str:
    """``value`` as escaped text, in which long names of layers may be broken."""
    if isinstance(value, Raw):
        return value
    return re.sub(r"(?<=[\w\]])([/;:.])(?=[A-Za-z_])", r"\1<wbr>", escape(str(value)))


def cell(value: object, kind: str = "", style: str = "") -> Raw:
    """A table cell with a CSS class ``kind`` and an inline ``style``."""
    attributes = f' class="{kind}"' if kind else ""
    attributes += f' style="{style}"' if style else ""
    return Raw(f"<td{attributes}>{text(value)}</td>")


def table(
    header: Sequence[object], rows: Iterable[Sequence[object]], label: str, kind: str = ""
) -> Raw:
    """A table in a scrollable box; the first column has the names of the rows."""
    head = "".join(f'<th scope="col">{text(each)}</th>' for each in header)
    body = []
    for first, *rest in rows:
        cells = "".join(
            each if isinstance(each, Raw) and each.startswith("<td") else cell(each)
            for each in rest
        )
        body.append(f'<tr><th scope="row" class="name">{text(first)}</th>{cells}</tr>')
    return Raw(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def bar(parts: Iterable[tuple[str, float, float, str]], label: str) -> Raw:
    """A bar of full width; a part is (CSS class, start 0..1, length 0..1, title)."""
    rects = "".join(
        f'<rect class="{kind}" x="{1000 * start:.2f}" width="{1000 * max(length, 0):.2f}" '
        f'height="14"><title>{escape(title)}</title></rect>'
        for kind, start, length, title in parts
        if length > 0
    )
    return Raw(
        f'<svg class="bar" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{rects}</svg>'
    )


def bars(rows: Iterable[tuple[object, Raw, object]]) -> Raw:
    """A list of bars; a row is (name, bar, value)."""
    lines = (
        f'<span class="label">{text(name)}</span>{drawn}<span class="value">{text(value)}</span>'
        for name, drawn, value in rows
    )
    return Raw(f'<div class="bars">{"".join(lines)}</div>')


def legend(entries: Iterable[tuple[str, str]]) -> Raw:
    """A legend of colours; an entry is (CSS class, text)."""
    items = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true">'
        f'<rect class="{kind}" width="10" height="10" rx="2"/></svg>{escape(what)}</li>'
        for kind, what in entries
    )
    return Raw(f'<ul class="legend">{items}</ul>')


def cards(entries: Iterable[tuple[str, object, str]]) -> Raw:
    """Metrics in boxes; an entry is (name, value, remark)."""
    return Raw(
        "".join(
            f"<div><dt>{escape(what)}</dt><dd>{text(value)}<small>{escape(remark)}</small></dd></div>"
            for what, value, remark in entries
        )
    )


def section(name: str, title: str, *content: object) -> Raw:
    """``content`` under a heading; strings become paragraphs."""
    body = "".join(
        each if isinstance(each, Raw) else f"<p>{escape(str(each))}</p>" for each in content
    )
    return Raw(
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{escape(title)}</h2>{body}</section>'
    )


def digit(pixels: np.ndarray, label: str) -> Raw:
    """An image of uint8 [28, 28] ``pixels`` in 8 shades, with a rectangle for each run of one."""
    levels = (pixels.astype(int) * 8 + 128) // 256
    rects = []
    for y, row in enumerate(levels):
        edges = np.flatnonzero(np.diff(row, prepend=-1, append=-1))
        for start, end in zip(edges, edges[1:], strict=False):
            if row[start]:
                rects.append(
                    f'<rect x="{start}" y="{y}" width="{end - start}" height="1" '
                    f'fill-opacity="{min(row[start] / 7, 1):.2f}"/>'
                )
    return Raw(
        f'<svg class="ink" viewBox="-2 -2 32 32" shape-rendering="crispEdges" role="img" '
        f'aria-label="{escape(label)}">{"".join(rects)}</svg>'
    )
