"""One self-contained HTML page about a run: nothing in it is fetched from anywhere."""

from celosia.report.facts import Facts, gather
from celosia.report.page import render

__all__ = ["Facts", "gather", "render"]
