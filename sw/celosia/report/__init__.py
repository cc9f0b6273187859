"""One self-contained HTML page about a run: nothing in it is fetched from anywhere."""

from .facts import Facts, gather
from .page import render

__all__ = ["Facts", "gather", "render"]
