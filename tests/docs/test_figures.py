"""Clocks of boards in the pages are those of the project's placements."""

import re
from pathlib import Path

import pytest

from celosia.boards import BOARDS, load_placements

_ROOT = Path(__file__).resolve().parents[2]


def clocks(board: str, shape: str) -> list[str]:
    """The clocks of the engines of this shape that were placed on this board."""
    return [
        f"{each.fmax_mhz:.1f}"
        for each in load_placements()
        if each.board == board and f"{each.engine.rows}x{each.engine.cols}" == shape
    ]


def test_clocks_of_the_readme():
    text = (_ROOT / "README.md").read_text()
    text = text[text.index("Placed by nextpnr") : text.index("## Figures")]
    # "8x8 **145.8 MHz**, ... on the ULX3S-85F": a board is named after its engines, or before.
    for shape, mhz in re.findall(r"(\d+x\d+) (?:engine [^*]*)?\*\*([\d.]+) MHz", text):
        assert any(mhz in clocks(board, shape) for board in BOARDS), (shape, mhz)
    assert len(re.findall(r"\*\*[\d.]+ MHz", text)) >= 4


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f"])
def test_clocks_of_the_figures(board):
    name = BOARDS[board].title.partition(",")[0]
    rows = re.findall(rf"^\| {name}, \S+, (\d+x\d+).*\*\*([\d.]+) MHz", page(), re.M)
    assert rows
    for shape, mhz in rows:
        assert mhz in clocks(board, shape), (shape, mhz)


def page() -> str:
    return (_ROOT / "docs/figures.md").read_text()
