"""Sites on an ECP5-85F for the multipliers, the weights and the masks of an engine.

Left alone, nextpnr spreads the memories of one column of weights over the whole device, and wires
of 7 ns to them limit the clock. The floorplan puts the columns of the array side by side: the
multipliers of a column and its weights share a few columns of sites, as near to the middle of the
device as they fit. The memory of the masks is in the middle, because logic of many levels writes
and reads it. nextpnr places all other cells around them.

With convolution most wires are those of a row: its memory has words of its own for the multipliers
of its row only. Then a group of sites has the memories and multipliers of one row, or of the two
whose products share multipliers, and where there is room a share of the weights. These groups are
side by side in the middle of the device. Where there is no room, the weights, which all rows read,
are in groups of their own between them.

The device has 13 groups of sites, each 9 columns of logic wide; a group has 4 multipliers in each
of 3 rows and 4 block RAMs in each of 4 rows (found in nextpnr's placements; Project Trellis).
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from celosia.spec import ceil_div
from celosia.support.errors import CelosiaError

__all__ = ["Floorplan", "ecp5_85k", "fix", "version"]

#: Cells of a netlist by their names, as in Yosys's JSON -> name of a cell: its site, or None.
Floorplan = Callable[[Mapping[str, Mapping]], dict[str, str | None]]

#: Column of logic where each group of sites starts.
_GROUPS = (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114)
#: Rows of logic that the sites are in, and their column and name in a group.
_MULTIPLIER_ROWS = (34, 58, 10)
_MULTIPLIERS = ((0, "MULT18_0"), (1, "MULT18_1"), (4, "MULT18_4"), (5, "MULT18_5"))
_MEMORY_ROWS = (46, 22, 70, 82)
_MEMORIES = ((0, "EBR0"), (2, "EBR1"), (4, "EBR2"), (6, "EBR3"))
#: An array takes at most this many multipliers and block RAMs of a group: one row of memories stays
#: free for other blocks, and a full group has too few wires around it.
_PRODUCTS, _BLOCKS = 10, 12
#: With convolution of so many block RAMs: most wires do not leave the group.
_ROW_BLOCKS = 14


def ecp5_85k(cells: Mapping[str, Mapping]) -> dict[str, str | None]:
    """Name of a cell -> its site, for all multipliers, weights and masks of an engine.

    With convolution for the memories of the rows, too. The site is None, and nextpnr chooses one,
    for all cells of an array that needs more than 13 groups, and for memories and multipliers
    beyond the sites of their group.

    Parameters
    ----------
    cells : those of the netlist by their names, as in Yosys's JSON.

    Raises
    ------
    CelosiaError : the netlist has no cells of the names in `celosia_hw.hierarchy`.
    """
    from celosia_hw import hierarchy

    products = _find(
        cells, "MULT18X18D", hierarchy.PRODUCTS, hierarchy.PRODUCT_CELL, ("col", "row")
    )
    weights = _find(
        cells, "DP16KD", hierarchy.WEIGHTS, hierarchy.WEIGHT_BLOCK, ("group", "bit", "bank")
    )
    masks = _find(cells, "DP16KD", hierarchy.MASKS, hierarchy.MASK_BLOCK, ("bank", "bit"))
    if not products:
        raise _misnamed(f"the netlist has no MULT18X18D in {hierarchy.PRODUCTS}")
    if by_rows := _by_rows(cells, products, weights, masks):
        return by_rows
    needed = max(ceil_div(len(products), _PRODUCTS), ceil_div(len(weights), _BLOCKS))
    if needed > len(_GROUPS):
        return dict.fromkeys([*products, *weights, *masks])
    first = (len(_GROUPS) - needed) // 2
    groups, middle = _GROUPS[first : first + needed], _GROUPS[len(_GROUPS) // 2]
    sites = _sites(products, groups, _MULTIPLIER_ROWS, _MULTIPLIERS)
    sites |= _sites(masks, (middle,), _MEMORY_ROWS, _MEMORIES)
    return sites | _sites(weights, groups, _MEMORY_ROWS, _MEMORIES, occupied=set(sites.values()))


def _by_rows(
    cells: Mapping[str, Mapping],
    products: Sequence[str],
    weights: Sequence[str],
    masks: Sequence[str],
) -> dict[str, str | None]:
    """The sites of an engine with a memory for each row.

    Empty where rows have no block RAMs of their own, or a group of sites has too few of them for a
    row, or the device too few groups.
    """
    from celosia_hw import hierarchy

    units: dict[int, list[str]] = {}
    for name in products:
        match = re.search(hierarchy.PRODUCT_CELL, name)
        assert match is not None  # else `_find` had refused it
        units.setdefault(int(match["row"]), []).append(name)
    firsts = sorted(units)
    memories = {first: _memories(cells, range(first, after)) for first, after in _pairs(firsts)}
    middle = len(_GROUPS) - len(units)
    if (
        middle < 1
        or not all(memories.values())
        or max(map(len, memories.values())) > len(_MEMORY_ROWS) * len(_MEMORIES)
    ):
        return {}
    share = ceil_div(len(weights), len(units))
    sites: dict[str, str | None] = {}
    if max(map(len, memories.values())) + share <= _ROW_BLOCKS:
        left = middle // 2
        groups = between = _GROUPS[left:][: len(units)]
        # Beside them the parameters, with the requantizers, and the program: each in two groups,
        # for a group is 60 rows of logic high.
        for path, beside in (
            (hierarchy.PARAMS, _GROUPS[left + len(units) :]),
            (hierarchy.PROGRAM, _GROUPS[:left][::-1]),
        ):
            if beside:
                blocks = _find(cells, "DP16KD", path, hierarchy.MASK_BLOCK, ("bank", "bit"))
                sites |= _sites(blocks, beside[:2], _MEMORY_ROWS, _MEMORIES)
    else:
        # From the middle outwards, the first half of the rows to the right of it, the others to the
        # left.
        left = len(units) // 2
        groups = (*_GROUPS[left + middle :], *reversed(_GROUPS[:left]))
        between = _GROUPS[left : left + middle]
        # Between them the multipliers of the requantizers, which few sites are left for.
        lanes = _find(
            cells, "MULT18X18D", hierarchy.REQUANTIZER, hierarchy.REQUANTIZER_CELL, ("lane", "part")
        )
        sites |= _sites(lanes, between, _MULTIPLIER_ROWS, _MULTIPLIERS)
    for first, group in zip(firsts, groups, strict=True):
        sites |= _sites(units[first], (group,), _MULTIPLIER_ROWS, _MULTIPLIERS)
        sites |= _sites(memories[first], (group,), _MEMORY_ROWS, _MEMORIES)
    sites |= _weights_and_masks(weights, masks, between, set(sites.values()))
    return sites


def _weights_and_masks(
    weights: Sequence[str], masks: Sequence[str], groups: Sequence[int], occupied: set
) -> dict[str, str | None]:
    """Sites for the weights, evenly over ``groups``, and for the masks in the middle one."""
    middle = groups[len(groups) // 2]
    sites = _sites(weights, groups, _MEMORY_ROWS, _MEMORIES, occupied)
    occupied = occupied | set(sites.values())
    return sites | _sites(masks, (middle,), _MEMORY_ROWS, _MEMORIES, occupied)


def _pairs(firsts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """First rows of the multipliers, and the first row of the next; the last has as many rows as
    any."""
    step = max((after - first for first, after in pairwise(firsts)), default=1)
    return zip(firsts, [*firsts[1:], firsts[-1] + step], strict=True)


def _memories(cells: Mapping[str, Mapping], rows: Iterable[int]) -> list[str]:
    """Block RAMs of the memories of ``rows``, in their order; of those that are there."""
    from celosia_hw import hierarchy

    found = []
    for row in rows:
        path = f"{hierarchy.ROWS}{row}"
        if any(f".{path}." in name for name in cells):
            found += _find(cells, "DP16KD", path, hierarchy.MASK_BLOCK, ("bank", "bit"))
    return found


def _find(
    cells: Mapping[str, Mapping], kind: str, path: str, instance: str, keys: Iterable[str]
) -> list[str]:
    """Names of the cells of type ``kind`` in ``path``, ordered by the ``keys`` of ``instance``.

    None are there when the block is made of other cells: small memories are LUTs.

    Raises
    ------
    CelosiaError : nothing is in ``path``, or a cell of that type is not called ``instance`` there.
    """
    inside = re.compile(rf"(?:^|\.){re.escape(path)}\.(.+)")
    here = {name: match[1] for name in cells if (match := inside.search(name))}
    if not here:
        raise _misnamed(f"the netlist has no cell in {path}")
    found = []
    for name, inner in here.items():
        if cells[name]["type"] == kind:
            if not (match := re.fullmatch(instance, inner)):
                raise _misnamed(f"{kind} {inner!r} in {path} is not called {instance}")
            found.append((tuple(int(match[key]) for key in keys), name))
    return [name for _, name in sorted(found)]


def _misnamed(what: str) -> CelosiaError:
    todo = "celosia_hw/hierarchy.py has the names that are looked for"
    return CelosiaError(what, where="floorplan", todo=todo)


def _sites(
    names: Sequence[str],
    groups: Sequence[int],
    rows: Iterable[int],
    sites: Sequence[tuple[int, str]],
    occupied: Collection[str | None] = (),
) -> dict[str, str | None]:
    """Name -> free site, evenly over ``groups``; None beyond the free sites of a group."""
    placed: dict[str, str | None] = dict.fromkeys(names)
    for n, x in enumerate(groups):
        here = names[n * len(names) // len(groups) : (n + 1) * len(names) // len(groups)]
        every = [f"X{x + column}/Y{row}/{site}" for row in rows for column, site in sites]
        placed |= zip(here, (site for site in every if site not in occupied), strict=False)
    return placed


def fix(netlist: Path, plan: Floorplan) -> int:
    """Write the sites of ``plan`` into a netlist in Yosys's JSON; returns how many cells have none.

    Raises
    ------
    CelosiaError : see ``plan``.
    """
    design = json.loads(netlist.read_bytes())
    left = 0
    for module in design["modules"].values():
        if int(module["attributes"].get("top", "0"), 2):
            for name, site in plan(module["cells"]).items():
                if site:
                    module["cells"][name]["attributes"]["BEL"] = site
                else:
                    left += 1
    netlist.write_text(json.dumps(design))
    return left


def version() -> str:
    """Text that changes when a floorplan may: the source of this module and of the names."""
    from celosia_hw import hierarchy

    return "".join(Path(path).read_text() for path in (__file__, hierarchy.__file__))
