"""A page that is complete in itself: head, figures, sections in order, foot."""

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
    """The HTML of a page.

    Parameters
    ----------
    kind : what page of Celosia's it is.
    name : its heading; ``about`` : that in the browser's words, a line; ``lead`` : a sentence.
    cards : the figures above all others.
    parts : id, heading and HTML of each section, for the links at the top.
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
