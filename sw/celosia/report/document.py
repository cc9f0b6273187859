"""A self-contained HTML page: header, cards, sections in order, footer."""

from collections.abc import Iterable
from html import escape
from importlib import resources
from string import Template

import celosia

from .html import Raw

__all__ = ["document"]


def document(
    kind: str, name: str, about: str, lead: str, cards: Raw, parts: Iterable[tuple[str, str, Raw]]
) -> str:
    """HTML of a page.

    Parameters
    ----------
    kind : kind of page, such as "run report".
    name : heading.
    about : start of the title, one line.
    lead : sentence below the heading.
    cards : HTML of the key metrics at the top.
    parts : id, heading and HTML of each section; the page begins with links to them.
    """
    parts = list(parts)
    files = resources.files(__package__)
    return Template(files.joinpath("template.html").read_text("utf-8")).substitute(
        style=files.joinpath("style.css").read_text("utf-8"),
        kind=escape(kind),
        title=escape(f"{about}: Celosia {kind}"),
        name=escape(name),
        lead=escape(lead),
        links=" ".join(f'<a href="#{part}">{escape(title)}</a>' for part, title, _ in parts),
        cards=cards,
        sections="\n".join(html for _, _, html in parts),
        version=escape(celosia.__version__),
    )
