"""Where the floorplan of the ECP5-85F puts an array."""

import json
import re

import pytest
from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil

from celosia.boards import BOARDS
from celosia.flow import FAMILIES
from celosia.flow.floorplan import ecp5_85k, fix
from celosia.spec import Config
from celosia_hw.cells import Technology
from celosia_hw.engine import Engine


def array(rows: int, cols: int, packed: bool = False, banks: int = 1) -> dict[str, dict]:
    """Cells of a netlist with an array, some of them not of it."""
    cells = {
        f"top.core.array.products.{'pair' if packed else 'cell'}_{row}_{col}": "MULT18X18D"
        for col in range(cols)
        for row in range(0, rows, 1 + packed)
    }
    cells |= {
        f"top.core.weights.group_{low}.block_{bank}_{bit}": "DP16KD"
        for low in range(0, 8 * cols, 4)
        for bit in range(4)
        for bank in range(banks)
    }
    others = {"top.core.params.block_0_0": "DP16KD", "top.product.multiplier": "MULT18X18D"}
    others |= {"top.core.activations.masks.block_0_0": "DP16KD"}
    return {
        name: {"type": kind, "attributes": {}}
        for name, kind in (cells | others | {"x": "LUT4"}).items()
    }


def column_of(name: str) -> int:
    if match := re.search(r"(?:cell|pair)_\d+_(\d+)$", name):
        return int(match[1])
    low, bit = re.search(r"group_(\d+)\.block_\d+_(\d+)$", name).groups()
    return (int(low) + int(bit)) // 8


@pytest.mark.parametrize("shape", [(8, 8), (8, 16), (16, 16, True), (3, 5), (1, 1)])
def test_columns_stand_side_by_side(shape):
    cells = array(*shape)
    sites = ecp5_85k(cells)
    masks = {name for name in cells if ".masks." in name}
    assert set(sites) - masks == {name for name in cells if re.search(r"\.(array|weights)\.", name)}
    assert len(set(sites.values())) == len(sites)
    # In the middle, whatever the array is.
    assert [sites.pop(name) for name in masks] == ["X58/Y46/EBR0"]
    at = {}
    for name, site in sites.items():
        x, y, kind = re.fullmatch(r"X(\d+)/Y(\d+)/(MULT18_[0145]|EBR[0-3])", site).groups()
        assert y in (("10", "34", "58") if kind[0] == "M" else ("22", "46", "70", "82"))
        at.setdefault(column_of(name), []).append(int(x))
    starts = [min(at[column]) for column in sorted(at)]
    assert starts == sorted(starts)
    # A column reaches into the groups next to its own, at the most.
    assert all(max(xs) - min(xs) < 40 for xs in at.values())


def test_what_does_not_fit_is_left_alone():
    assert ecp5_85k(array(16, 16)) == {}
    assert ecp5_85k({"x": {"type": "LUT4", "attributes": {}}}) == {}


def test_sites_are_written_into_the_netlist(tmp_path):
    path = tmp_path / "top.json"
    cell = {"attributes": {"top": "00000000000000000000000000000001"}, "cells": array(2, 4)}
    path.write_text(json.dumps({"modules": {"top": cell, "LUT4": {"attributes": {}, "cells": {}}}}))
    fix(path, ecp5_85k)
    cells = json.loads(path.read_bytes())["modules"]["top"]["cells"]
    fixed = {name: each["attributes"].get("BEL") for name, each in cells.items()}
    assert {name: site for name, site in fixed.items() if site} == ecp5_85k(array(2, 4))


def test_only_the_85f_has_one():
    planned = {name for name, board in BOARDS.items() if FAMILIES[board.family].floorplan(board)}
    assert planned == {"ulx3s-85f"}


def test_it_finds_the_arrays_cells_by_the_names_that_the_hardware_gives_them():
    config = Config.default(2, 4, weight_depth=64, requantizers=1)
    for technology, products in (("ecp5", 8), ("ecp5-packed", 4)):
        text = rtlil.convert(Engine(config), platform=Technology(technology), ports=[])
        script = f"read_rtlil <<rtlil\n{text}\nrtlil\nproc\nflatten\nwrite_json"
        found = find_yosys(lambda version: True).run(["-q", "-"], script)
        (module,) = json.loads(found)["modules"].values()
        kinds = [module["cells"][name]["type"] for name in ecp5_85k(module["cells"])]
        # Eight of weights, one of masks.
        assert kinds.count("MULT18X18D") == products and kinds.count("DP16KD") == 8 + 1
