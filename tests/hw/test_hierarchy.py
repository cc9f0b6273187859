"""The names by which floorplan and picture find cells exist in an elaborated board."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from amaranth.hdl import Fragment, Instance

from celosia.spec import Config
from celosia_hw import hierarchy
from celosia_hw.boards.clock import ClockGenerator
from celosia_hw.boards.platforms import target
from celosia_hw.boards.top import BoardTop

#: Deep enough for block RAMs, and with tables.
CONFIG = Config.default(
    2, 4, act_depth=64, weight_depth=64, param_depth=64, tables=1, requantizers=1, convolution=0
)


def submodules(fragment: Fragment, path: str = "") -> Iterator[tuple[str, Fragment]]:
    """Path and fragment of everything below ``fragment``."""
    for inner, name, _ in fragment.subfragments:
        yield f"{path}{name}", inner
        yield from submodules(inner, f"{path}{name}.")


@pytest.fixture(scope="module", params=["ecp5", "ecp5-packed"])
def board(request) -> dict[str, Fragment]:
    """Submodules of the engine on a board, by their paths in the engine."""
    aim = target("ulx3s-85f", request.param)
    top = BoardTop(CONFIG, ClockGenerator(aim, 100), divisor=33)
    start = f"{hierarchy.ENGINE}."
    return {
        path.removeprefix(start): inner
        for path, inner in submodules(Fragment.get(top, aim.platform))
        if path.startswith(start)
    }


@pytest.mark.parametrize("technology", ["ecp5", "ecp5-packed"])
def test_rows_of_maps_have_the_names_that_are_looked_for(technology):
    config = replace(CONFIG, convolution=1, depthwise=1)
    aim = target("ulx3s-85f", technology)
    top = BoardTop(config, ClockGenerator(aim, 100), divisor=33)
    found: dict[str, list[str]] = {}
    multipliers = 0
    for path, inner in submodules(Fragment.get(top, aim.platform)):
        if isinstance(inner, Instance) and f".{hierarchy.REQUANTIZER}." in path:
            name = path.split(f"{hierarchy.REQUANTIZER}.")[1]
            multipliers += bool(re.fullmatch(hierarchy.REQUANTIZER_CELL, name))
        if hierarchy.ROWS in path and isinstance(inner, Instance):
            row, name = path.split(hierarchy.ROWS)[1].split(".", 1)
            assert inner.type == "DP16KD" and re.fullmatch(hierarchy.MASK_BLOCK, name)
            found.setdefault(row, []).append(name)
    assert set(found) == {str(row) for row in range(config.rows)}
    assert multipliers == 4 * config.requantizers


def test_every_path_is_there(board):
    paths = {hierarchy.PRODUCTS, hierarchy.MASKS, hierarchy.WEIGHTS}
    paths |= {hierarchy.PARAMS, hierarchy.PROGRAM}
    paths |= {path for paths in hierarchy.BLOCKS.values() for path in paths}
    assert paths <= set(board)


def test_every_submodule_of_the_engine_is_in_a_block(board):
    paths = tuple(path for paths in hierarchy.BLOCKS.values() for path in paths)
    assert not [name for name in board if not name.startswith(paths)]


def test_what_contains_another_block_comes_later():
    seen = []
    for path in (path for paths in hierarchy.BLOCKS.values() for path in paths):
        assert not [before for before in seen if path.startswith(before)], path
        seen.append(path)


@pytest.mark.parametrize(
    ("path", "instance", "kind"),
    [
        (hierarchy.PRODUCTS, hierarchy.PRODUCT_CELL, "MULT18X18D"),
        (hierarchy.MASKS, hierarchy.MASK_BLOCK, "DP16KD"),
        (hierarchy.WEIGHTS, hierarchy.WEIGHT_BLOCK, "DP16KD"),
        (hierarchy.PARAMS, hierarchy.MASK_BLOCK, "DP16KD"),
    ],
)
def test_cells_have_the_names_that_are_looked_for(board, path, instance, kind):
    inside = {
        name.removeprefix(f"{path}."): each.type
        for name, each in board.items()
        if name.startswith(f"{path}.")
        and isinstance(each, Instance)
        # Beside multipliers there are their constants, and logic for what two products share.
        and each.type not in ("CCU2C", "LUT4")
    }
    assert set(inside.values()) == {kind}
    assert all(re.fullmatch(instance, name) for name in inside)
