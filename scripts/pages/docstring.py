"""Docstrings as Markdown."""

import inspect
import re

__all__ = ["markdown"]

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.M)
_ITEM = re.compile(r"^(\S.*?) : (.*)$")


def markdown(text: str | None) -> str:
    """``text`` with its sections (Parameters, Members, Raises) as lists, and doctests as code."""
    head, *sections = _SECTION.split(inspect.cleandoc(text or ""))
    parts = [_prose(head)]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        parts += [f"**{title}**", _items(body)]
    return "\n\n".join(filter(None, parts))


def _prose(text: str) -> str:
    """Blocks of text; those of doctests and those that are indented are code."""
    blocks = []
    for block in re.split(r"\n{2,}", text.strip()):
        if block.startswith(">>>"):
            block = f"```python\n{block}\n```"
        elif block.startswith("    "):
            block = f"```text\n{inspect.cleandoc(block)}\n```"
        else:
            # Markdown wants an empty line before a list.
            block = re.sub(r"(?m)^(?!- |  )(.*)\n(?=- )", r"\1\n\n", block)
        blocks.append(block)
    return "\n\n".join(blocks)


def _items(body: str) -> str:
    """``name : text`` as items of a list; other paragraphs stay what they are."""
    lines = []
    for line in body.strip().splitlines():
        if found := _ITEM.match(line):
            line = f"- `{found[1]}`: {found[2]}"
        lines.append(line)
    return "\n".join(lines)
