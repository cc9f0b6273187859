"""One self-contained HTML page about a run: it loads nothing from the network."""

from .facts import Facts, gather
from .page import render

__all__ = ["Facts", "gather", "render"]
