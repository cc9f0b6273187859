"""Draw a placed engine, block by block: ``python -m bench.picture [--engine NAME]``.

Without NAME it is the 8x8 engine; docs/boards/ulx3s-85f.md has it, and ``ulx3s-85f 16x16 maps``.
"""

import argparse
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bench.engines import ENGINES, Engine
from celosia.boards import board
from celosia.flow import elaborate, synthesize
from celosia.flow.place import prepare
from celosia.flow.tools import find, run, unwatched, workshop
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write
from celosia_hw.hierarchy import BLOCKS, ENGINE

__all__ = ["COLOURS", "blocks_of", "draw", "main", "sites"]

_FOLDER = Path(__file__).resolve().parents[1] / "docs/boards"
_ENGINE, _SEED = "ulx3s-85f 8x8", 1
#: Colour of each block of the engine, and of what is around the engine.
COLOURS = {
    "array": "#c2185b",
    "weights": "#7b1fa2",
    "activations": "#1976d2",
    "other memories": "#0097a7",
    "postprocess": "#f57c00",
    "feeder": "#fbc02d",
    "control": "#388e3c",
    "host link": "#5d4037",
    "serial line, clock": "#9e9e9e",
}
_BEL = re.compile(r"X(\d+)/Y(\d+)/(\w+)")
#: Width of a cell that is not one of logic, in columns.
_WIDTHS = {"MULT18X18D": 1.6, "DP16KD": 1.8}


def main(argv: list[str] | None = None) -> int:
    """Place the engine and draw it; returns 0, or 2 when that fails."""
    parser = argparse.ArgumentParser(prog="picture", description=__doc__)
    engines = {each.name: each for each in ENGINES if each.board == "ulx3s-85f"}
    parser.add_argument("--engine", choices=engines, default=_ENGINE)
    parser.add_argument("-o", "--output", type=Path, help="(docs/boards/NAME.png)")
    args = parser.parse_args(argv)
    engine = engines[args.engine]
    output = args.output or _FOLDER / f"{engine.name.replace(' ', '-')}.png"
    try:
        draw(_placed(engine), f"{engine.config} engine", output)
    except CelosiaError as error:
        print(f"picture: {error}", file=sys.stderr)
        return 2
    print(output)
    return 0


def _placed(engine: Engine) -> dict[str, tuple[str, str]]:
    """Name of each cell -> its type and its site."""
    on = board(engine.board)
    netlist = synthesize(
        on, elaborate(on, engine.config, technology=engine.technology, clock=engine.clock_mhz)
    )
    with workshop() as work:
        asked = (*prepare(netlist, _SEED, work), "--no-route", "--write", "placed.json")
        run(find(netlist.family.placer), asked, work, work.path / "log", "placing", unwatched)
        return sites(work.path / "placed.json")


def sites(design: Path) -> dict[str, tuple[str, str]]:
    """Name of each cell of a design that nextpnr wrote -> its type and its site."""
    cells = json.loads(design.read_bytes())["modules"]["top"]["cells"]
    placed = {name: cell["attributes"].get("NEXTPNR_BEL") for name, cell in cells.items()}
    return {name: (cells[name]["type"], bel) for name, bel in placed.items() if bel}


def draw(cells: dict[str, tuple[str, str]], name: str, path: Path) -> None:
    """Write a map of the device with every cell in the colour of its block.

    Parameters
    ----------
    cells : name of each cell -> its type and its site.
    name : of the engine, for the title.

    Raises
    ------
    CelosiaError : see `blocks_of`.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    blocks_of_cells = blocks_of(cells)
    shapes, counts = defaultdict(list), defaultdict(lambda: defaultdict(int))
    for cell, (kind, bel) in cells.items():
        if not (found := _BEL.match(bel)):
            continue
        x, y = int(found[1]), int(found[2])
        block = blocks_of_cells[cell]
        if kind in _WIDTHS:
            shapes[block].append(Rectangle((x - 0.4, y - 0.9), _WIDTHS[kind], 1.8))
        else:
            counts[x, y][block] += 1
    for (x, y), blocks in counts.items():
        # A tile of logic: each block has the share of its cells.
        low = y - 0.5
        for block, count in blocks.items():
            height = count / sum(blocks.values())
            shapes[block].append(Rectangle((x - 0.5, low), 1, height))
            low += height
    figure, axes = pyplot.subplots(figsize=(9, 7), dpi=110)
    for block, colour in COLOURS.items():
        axes.add_collection(PatchCollection(shapes[block], color=colour, linewidth=0))
        axes.plot([], [], "s", color=colour, label=block)
    axes.set(xlim=(0, 127), ylim=(96, 0), aspect="equal", xticks=[], yticks=[], facecolor="#f7f7f7")
    axes.set_title(f"{name} on an ECP5-85F, as nextpnr placed it", fontsize=11)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
    picture = io.BytesIO()
    figure.savefig(picture, bbox_inches="tight", metadata={"Software": None})
    atomic_write(path, picture.getvalue())


def blocks_of(cells: Iterable[str]) -> dict[str, str]:
    """Name of each cell -> the block it is part of, of `celosia_hw.hierarchy.BLOCKS`.

    Raises
    ------
    CelosiaError : a block has no cells.
    """
    found = {name: _block(name) for name in cells}
    if empty := COLOURS.keys() - found.values():
        block = min(empty)
        paths = " or ".join(f"{ENGINE}.{path}" for path in BLOCKS.get(block, ("",)))
        raise CelosiaError(
            f"no cell of {block}: none has a name that begins with {paths}",
            where="picture",
            todo="celosia_hw/hierarchy.py has the names that are looked for",
        )
    return found


def _block(name: str) -> str:
    inner = name.removeprefix(f"{ENGINE}.")
    if inner != name:
        for block, paths in BLOCKS.items():
            if inner.startswith(paths):
                return block
    return "serial line, clock"


if __name__ == "__main__":
    sys.exit(main())
