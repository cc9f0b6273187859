"""Headings, columns and bars of commands that answer with a page."""

from collections.abc import Iterable

from rich.text import Text

from .console import Console
from .show import bar

__all__ = ["columns", "heading", "share_bar"]


def heading(console: Console, text: str) -> None:
    """A line in bold, after a blank one."""
    console.say()
    console.say(text, "bold")


def columns(
    console: Console, header: tuple[str, ...], rows: Iterable[tuple[str | Text, ...]]
) -> None:
    """Rows in columns, nothing cut short; a header that begins with ">" sets numbers to the right.

    Without a header all columns start at the left.
    """
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    if not cells:
        return
    right = [name.startswith(">") for name in header] or [False] * len(cells[0])
    head = [Text(name.removeprefix(">"), "dim") for name in header]
    lines = [head, *cells] if header else cells
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        text = Text("  ")
        for cell, width, to_right in zip(line, widths, right, strict=True):
            space = " " * (width - cell.cell_len)
            text.append_text(Text(space) + cell if to_right else cell + Text(space)).append("  ")
        text.rstrip()
        console.say(text)


def share_bar(console: Console, share: float, style: str = "") -> Text:
    """A bar for 0..1; beyond that it is full."""
    return Text(bar(min(share, 1.0), console.unicode), style)
