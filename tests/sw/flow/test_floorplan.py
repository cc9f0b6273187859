"""Sites of the floorplan of the ECP5-85F, and how it finds the cells."""

import json
import re

import pytest
from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil

from celosia.boards import BOARDS
from celosia.flow import FAMILIES
from celosia.flow.floorplan import ecp5_85k, fix
from celosia.spec import Config
from celosia.support.errors import CelosiaError
from celosia_hw.cells import Technology
from celosia_hw.engine import Engine
from celosia_hw.hierarchy import MASKS, PARAMS, PRODUCTS, PROGRAM, REQUANTIZER, ROWS, WEIGHTS

#: Columns of logic where groups of sites start.
GROUPS = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)


def array(
    rows: int, cols: int, packed: bool = False, banks: int = 1, masks: int = 1
) -> dict[str, dict]:
    """Cells of a netlist with an array, and some others."""
    cells = {
        f"top.{PRODUCTS}.{'pair' if packed else 'cell'}_{row}_{col}": "MULT18X18D"
        for col in range(cols)
        for row in range(0, rows, 1 + packed)
    }
    cells |= {
        f"top.{WEIGHTS}.group_{low}.block_{bank}_{bit}": "DP16KD"
        for low in range(0, 8 * cols, 4)
        for bit in range(4)
        for bank in range(banks)
    }
    cells |= {f"top.{MASKS}.block_0_{bit}": "DP16KD" for bit in range(masks)}
    others = {"top.core.params.block_0_0": "DP16KD", "top.product.multiplier": "MULT18X18D"}
    others |= {f"top.{WEIGHTS}.group_0.write_addr_TRELLIS_FF_Q": "TRELLIS_FF", "x": "LUT4"}
    return {name: {"type": kind, "attributes": {}} for name, kind in (cells | others).items()}


def of_maps(rows: int, cols: int, packed: bool = False, blocks: int = 8) -> dict[str, dict]:
    """The same with memories of ``blocks`` block RAMs for each row, and with two requantizers."""
    memories = {
        f"top.{ROWS}{row}.block_0_{bit}": {"type": "DP16KD", "attributes": {}}
        for row in range(rows)
        for bit in range(blocks)
    }
    multipliers = {
        f"top.{REQUANTIZER}.product_{part}_{lane}.multiplier": {
            "type": "MULT18X18D",
            "attributes": {},
        }
        for part in ("00", "01", "10", "11")
        for lane in range(2)
    }
    return memories | multipliers | array(rows, cols, packed)


def column_of(name: str) -> int:
    if match := re.search(r"(?:cell|pair)_\d+_(\d+)$", name):
        return int(match[1])
    low, bit = re.search(r"group_(\d+)\.block_\d+_(\d+)$", name).groups()
    return (int(low) + int(bit)) // 8


@pytest.mark.parametrize("shape", [(8, 8), (8, 16), (16, 16, True), (3, 5), (1, 1)])
def test_columns_are_side_by_side(shape):
    cells = array(*shape)
    sites = ecp5_85k(cells)
    masks = {name for name in cells if ".masks." in name}
    planned = {name for name in cells if re.search(r"(cell|pair|block)_\d+_\d+$", name)}
    assert set(sites) == planned - {"top.core.params.block_0_0"}
    assert len(set(sites.values())) == len(sites) and all(sites.values())
    # In the middle, whatever the array is.
    assert [sites.pop(name) for name in masks] == ["X58/Y46/EBR0"]
    at = {}
    for name, site in sites.items():
        x, y, kind = re.fullmatch(r"X(\d+)/Y(\d+)/(MULT18_[0145]|EBR[0-3])", site).groups()
        assert y in (("10", "34", "58") if kind[0] == "M" else ("22", "46", "70", "82"))
        at.setdefault(column_of(name), []).append(int(x))
    starts = [min(at[column]) for column in sorted(at)]
    assert starts == sorted(starts)
    # A column reaches at most into the groups beside its own.
    assert all(max(xs) - min(xs) < 40 for xs in at.values())


@pytest.mark.parametrize(("shape", "most"), [((8, 8), 1), ((16, 9, True), 2), ((5, 8, True), 2)])
def test_rows_with_memories_have_groups_of_their_own(shape, most):
    cells = of_maps(*shape)
    sites = ecp5_85k(cells)
    assert len(set(sites.values())) == len(sites) and all(sites.values())
    groups: dict[int, set[int]] = {}
    for name, site in sites.items():
        group = max(start for start in GROUPS if start <= int(re.match(r"X(\d+)/", site)[1]))
        row = re.search(rf"(?:{re.escape(ROWS)}|(?:cell|pair)_)(\d+)[._]", name)
        groups.setdefault(group, set()).add(int(row[1]) if row else -1)
    of_rows = [held for held in groups.values() if held != {-1}]
    # A group has the multipliers of its rows and their memories, and nothing else.
    assert all(-1 not in held and len(held) <= most for held in of_rows)
    assert sorted(row for held in of_rows for row in held) == list(range(shape[0]))
    others = [group for group, held in groups.items() if held == {-1}]
    inner = [group for group in GROUPS if min(others) <= group <= max(others)]
    assert all(groups.get(group, {-1}) == {-1} for group in inner)


def test_rows_share_the_weights_where_their_groups_have_room():
    cells = of_maps(10, 5)
    cells |= {
        f"top.{path}.block_0_{bit}": {"type": "DP16KD", "attributes": {}}
        for path in (PARAMS, PROGRAM)
        for bit in range(10)
    }
    sites = ecp5_85k(cells)
    assert len(set(sites.values())) == len(sites) and all(sites.values())
    # Beside the rows: the program to the left, the parameters to the right.
    for path, start in ((PROGRAM, GROUPS[0]), (PARAMS, GROUPS[11])):
        names = [name for name in sites if path in name]
        assert len(names) == 10
        xs = [int(re.match(r"X(\d+)/", sites.pop(name))[1]) for name in names]
        assert min(xs) >= start and max(xs) < start + 18
    groups: dict[int, list[str]] = {}
    for name, site in sites.items():
        group = max(start for start in GROUPS if start <= int(re.match(r"X(\d+)/", site)[1]))
        groups.setdefault(group, []).append(name)
    # In the middle: one is left to the left of them, and two to the right.
    assert sorted(groups) == sorted(GROUPS)[1:11]
    for names in groups.values():
        rows = {row[1] for name in names if (row := re.search(r"(?:row_|cell_)(\d+)[._]", name))}
        assert len(rows) == 1
        assert sum(WEIGHTS in name for name in names) == 4


@pytest.mark.parametrize(
    "cells",
    [of_maps(13, 8), of_maps(8, 8, True, blocks=9), of_maps(8, 8, blocks=0)],
    ids=["too many rows", "too many memories", "memories of LUTs"],
)
def test_rows_that_do_not_fit_into_groups_are_planned_by_columns(cells):
    columns = {name: each for name, each in cells.items() if ROWS not in name}
    assert ecp5_85k(cells) == ecp5_85k(columns)


def test_multipliers_of_a_row_beyond_its_group_are_left_to_the_placer():
    sites = ecp5_85k(of_maps(16, 15, True))
    pairs = {name: site for name, site in sites.items() if "pair" in name}
    left = [int(name.rpartition("_")[2]) for name, site in pairs.items() if site is None]
    # A group has 12 multipliers: 3 of the 15 columns of each pair of rows are left.
    assert sorted(left) == sorted(8 * [12, 13, 14])


def test_what_does_not_fit_is_left_to_the_placer_and_counted(tmp_path):
    large = array(16, 16)
    assert set(ecp5_85k(large).values()) == {None}
    # 16 sites for memories are in the middle group: 10 masks leave 6 of them to 8 weights.
    crowded = array(1, 1, masks=10)
    left = [name for name, site in ecp5_85k(crowded).items() if not site]
    assert len(left) == 2 and all(WEIGHTS in name for name in left)
    assert fix(netlist(tmp_path, large), ecp5_85k) == 16 * 16 + 8 * 16 + 1
    assert fix(netlist(tmp_path, crowded), ecp5_85k) == 2


def netlist(folder, cells: dict[str, dict]):
    """A file in Yosys's JSON with ``cells`` in its top module."""
    path = folder / "top.json"
    top = {"attributes": {"top": "00000000000000000000000000000001"}, "cells": cells}
    path.write_text(json.dumps({"modules": {"top": top, "LUT4": {"attributes": {}, "cells": {}}}}))
    return path


def test_sites_are_written_into_the_netlist(tmp_path):
    path = netlist(tmp_path, array(2, 4))
    assert fix(path, ecp5_85k) == 0
    cells = json.loads(path.read_bytes())["modules"]["top"]["cells"]
    fixed = {name: each["attributes"].get("BEL") for name, each in cells.items()}
    assert {name: site for name, site in fixed.items() if site} == ecp5_85k(array(2, 4))


@pytest.mark.parametrize("path", [PRODUCTS, MASKS, WEIGHTS])
def test_a_netlist_without_what_it_looks_for_is_refused(path):
    cells = {name: cell for name, cell in array(2, 4).items() if path not in name}
    with pytest.raises(CelosiaError, match=rf"floorplan: the netlist has no cell in {path}; "):
        ecp5_85k(cells)


@pytest.mark.parametrize("path", [PRODUCTS, MASKS, WEIGHTS])
def test_a_cell_of_another_name_is_refused(path):
    cells = {
        re.sub(rf"({path}\S*)(cell|block)_0_0$", r"\1other", name): cell
        for name, cell in array(2, 4).items()
    }
    with pytest.raises(CelosiaError, match=rf"other' in {path} is not called"):
        ecp5_85k(cells)


def test_an_array_without_multipliers_is_refused():
    cells = array(2, 4)
    for name, cell in cells.items():
        if PRODUCTS in name:
            cell["type"] = "LUT4"
    with pytest.raises(CelosiaError, match=f"no MULT18X18D in {PRODUCTS}"):
        ecp5_85k(cells)


def test_only_cells_of_the_85f_have_one():
    planned = {
        (name, technology)
        for name, board in BOARDS.items()
        for technology in ("portable", "ecp5", "ecp5-packed")
        if FAMILIES[board.family].floorplan(board, technology)
    }
    assert planned == {("ulx3s-85f", "ecp5"), ("ulx3s-85f", "ecp5-packed")}


@pytest.mark.simulator
def test_it_finds_the_cells_by_the_names_that_the_hardware_gives_them():
    config = Config.default(2, 4, weight_depth=64, requantizers=1, convolution=0)
    for technology, products in (("ecp5", 8), ("ecp5-packed", 4)):
        text = rtlil.convert(Engine(config), platform=Technology(technology), ports=[])
        script = f"read_rtlil <<rtlil\n{text}\nrtlil\nproc\nflatten\nwrite_json"
        found = find_yosys(lambda version: True).run(["-q", "-"], script)
        (module,) = json.loads(found)["modules"].values()
        kinds = [module["cells"][name]["type"] for name in ecp5_85k(module["cells"])]
        # Eight of weights, one of masks.
        assert kinds.count("MULT18X18D") == products and kinds.count("DP16KD") == 8 + 1
