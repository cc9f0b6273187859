"""Where the multipliers, the weights and the masks of an engine go on an ECP5-85F.

Left alone, nextpnr spreads the memories of one column of weights over the whole device, and wires
to them of 7 ns limit the clock. Here columns stand side by side: the multipliers of each and its
weights in the same few columns of sites, as near to the middle as they fit. In the middle is the
memory of the masks, which is written and read by logic of many levels. All other cells are placed
around them.

The device has 13 groups of sites, 9 columns of logic wide each; a group has 4 multipliers in each
of 3 rows and 4 block RAMs in each of 4 rows (found in what nextpnr places; Project Trellis).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from celosia.spec import ceil_div

__all__ = ["Floorplan", "ecp5_85k", "fix"]

#: Cells of a netlist by their names, as Yosys's JSON has them -> name of a cell: its site.
Floorplan = Callable[[Mapping[str, Mapping]], dict[str, str]]

#: Column of logic where each group of sites starts.
_GROUPS = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)
#: Rows of logic that the sites are in, and their place and name in a group.
_MULTIPLIER_ROWS = (34, 58, 10)
_MULTIPLIERS = ((0, "MULT18_0"), (1, "MULT18_1"), (4, "MULT18_4"), (5, "MULT18_5"))
_MEMORY_ROWS = (46, 22, 70, 82)
_MEMORIES = ((0, "EBR0"), (2, "EBR1"), (4, "EBR2"), (6, "EBR3"))
#: How many of them an array takes of a group at the most: a row of memories is left to what is not
#: of the array, and around a full group there are not enough wires.
_PRODUCTS, _BLOCKS = 10, 12

#: Names of instances, and how they are ordered: by column first.
_PRODUCT = re.compile(r"\.array\.products\.(?:cell|pair)_(?P<row>\d+)_(?P<col>\d+)$")
_MASKS = re.compile(r"\.activations\.masks\.block_(?P<bank>\d+)_(?P<bit>\d+)$")
_WEIGHTS = re.compile(r"\.weights\.group_(?P<group>\d+)\.block_(?P<bank>\d+)_(?P<bit>\d+)$")


def ecp5_85k(cells: Mapping[str, Mapping]) -> dict[str, str]:
    """Name of a cell -> the site it is to have, for all multipliers, weights and masks.

    Parameters
    ----------
    cells : those of the netlist, by their names, as Yosys's JSON has them.
    """
    products = _ordered(cells, "MULT18X18D", _PRODUCT, ("col", "row"))
    weights = _ordered(cells, "DP16KD", _WEIGHTS, ("group", "bit", "bank"))
    needed = max(ceil_div(len(products), _PRODUCTS), ceil_div(len(weights), _BLOCKS))
    if not products or needed > len(_GROUPS):
        return {}
    first = (len(_GROUPS) - needed) // 2
    groups, middle = _GROUPS[first : first + needed], _GROUPS[len(_GROUPS) // 2]
    placed = _sites(products, groups, _MULTIPLIER_ROWS, _MULTIPLIERS)
    masks = _ordered(cells, "DP16KD", _MASKS, ("bank", "bit"))
    placed |= _sites(masks, (middle,), _MEMORY_ROWS, _MEMORIES)
    return placed | _sites(weights, groups, _MEMORY_ROWS, _MEMORIES, taken=set(placed.values()))


def _ordered(cells, kind: str, pattern: re.Pattern, keys: Iterable[str]) -> list[str]:
    found = []
    for name, cell in cells.items():
        if cell["type"] == kind and (match := pattern.search(name)):
            found.append((tuple(int(match[key]) for key in keys), name))
    return [name for _, name in sorted(found)]


def _sites(names, groups, rows, sites, taken=frozenset()) -> dict[str, str]:
    """Sites for ``names``, evenly over ``groups``, none of those that are ``taken``."""
    placed = {}
    for n, x in enumerate(groups):
        here = names[n * len(names) // len(groups) : (n + 1) * len(names) // len(groups)]
        every = [f"X{x + column}/Y{row}/{site}" for row in rows for column, site in sites]
        placed |= zip(here, (site for site in every if site not in taken), strict=False)
    return placed


def fix(netlist: Path, plan: Floorplan) -> None:
    """Write into a netlist of Yosys's where ``plan`` has its cells placed."""
    design = json.loads(netlist.read_bytes())
    for module in design["modules"].values():
        if int(module["attributes"].get("top", "0"), 2):
            for name, site in plan(module["cells"]).items():
                module["cells"][name]["attributes"]["BEL"] = site
    netlist.write_text(json.dumps(design))
