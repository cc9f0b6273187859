"""The picture of a placed engine, without placing one."""

import pytest
from bench.picture import COLOURS, blocks_of, draw

from celosia.support.errors import CelosiaError
from celosia_hw.hierarchy import BLOCKS, ENGINE

#: A cell of each path, and one around the engine.
CELLS = {
    f"{ENGINE}.{path}.x_LUT4_Z": ("TRELLIS_COMB", f"X{n}/Y3/SLICEA.LUT0")
    for n, path in enumerate(path for paths in BLOCKS.values() for path in paths)
} | {"engine.link.x": ("TRELLIS_COMB", "X50/Y4/SLICEA.LUT0")}


def test_every_block_has_a_colour():
    assert set(COLOURS) == {*BLOCKS, "serial line, clock"}


def test_cells_are_in_the_block_of_their_path():
    found = blocks_of(CELLS)
    for block, paths in BLOCKS.items():
        assert {found[f"{ENGINE}.{path}.x_LUT4_Z"] for path in paths} == {block}
    assert found["engine.link.x"] == "serial line, clock"


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_without_cells_is_an_error(block):
    cells = [name for name in CELLS if blocks_of(CELLS)[name] != block]
    with pytest.raises(CelosiaError, match=rf"no cell of {block}: .* {ENGINE}\.{BLOCKS[block][0]}"):
        blocks_of(cells)


def test_it_is_drawn(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.set_title", lambda self, title, **kwargs: titles.append(title)
    )
    draw(CELLS, "8x8 engine", tmp_path / "engine.png")
    assert titles == ["8x8 engine on an ECP5-85F, as nextpnr placed it"]
    assert (tmp_path / "engine.png").read_bytes().startswith(b"\x89PNG")
