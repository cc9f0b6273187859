"""Draw a placed engine, block by block: ``python -m bench.picture`` writes the README's picture."""

import argparse
import io
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from bench.engines import ENGINES, Engine
from celosia.boards import board
from celosia.flow import elaborate, synthesize
from celosia.flow.place import prepare
from celosia.flow.tools import find, run, unwatched, workshop
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

__all__ = ["PICTURE", "main"]

PICTURE = Path(__file__).resolve().parents[1] / "docs/boards/ulx3s-85f-8x8.png"
_ENGINE, _SEED = "ulx3s-85f 8x8", 1
#: What begins the names of a block's cells, its name, and its colour; the first that fits counts.
_BLOCKS = (
    (r"core\.array", "array", "#c2185b"),
    (r"core\.weights", "weights", "#7b1fa2"),
    (r"core\.activations", "activations", "#1976d2"),
    (r"core\.(params|program|tables)", "other memories", "#0097a7"),
    (r"core\.requantizer", "requantizer", "#f57c00"),
    (r"core", "control", "#388e3c"),
    (r"(receiver|responder|runs|skid|counters)", "host link", "#5d4037"),
    (r"", "serial line, clock", "#9e9e9e"),
)
_BEL = re.compile(r"X(\d+)/Y(\d+)/(\w+)")
#: Width of a cell that is not one of logic, in columns.
_WIDTHS = {"MULT18X18D": 1.6, "DP16KD": 1.8}


def main(argv: list[str] | None = None) -> int:
    """Place the engine and draw it; 0, or 2 when that cannot be done."""
    parser = argparse.ArgumentParser(prog="picture", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=PICTURE)
    args = parser.parse_args(argv)
    engine = next(each for each in ENGINES if each.name == _ENGINE)
    try:
        draw(_placed(engine), args.output)
    except CelosiaError as error:
        print(f"picture: {error}", file=sys.stderr)
        return 2
    print(args.output)
    return 0


def _placed(engine: Engine) -> dict[str, tuple[str, str]]:
    """Name of each cell -> its kind and its place."""
    on = board(engine.board)
    netlist = synthesize(
        on, elaborate(on, engine.config, technology=engine.technology, clock=engine.clock_mhz)
    )
    with workshop() as work:
        asked = (*prepare(netlist, _SEED, work), "--no-route", "--write", "placed.json")
        run(find(netlist.family.placer), asked, work, work / "log", "placing", unwatched)
        modules = json.loads((work / "placed.json").read_bytes())["modules"]
    cells = modules["top"]["cells"]
    placed = {name: cell["attributes"].get("NEXTPNR_BEL") for name, cell in cells.items()}
    return {name: (cells[name]["type"], bel) for name, bel in placed.items() if bel}


def draw(cells: dict[str, tuple[str, str]], path: Path) -> None:
    """A map of the device: every cell in the colour of its block."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    shapes, counts = defaultdict(list), defaultdict(lambda: defaultdict(int))
    for name, (kind, bel) in cells.items():
        if not (found := _BEL.match(bel)):
            continue
        x, y = int(found[1]), int(found[2])
        block = _block(name)
        if kind in _WIDTHS:
            shapes[block].append(Rectangle((x - 0.4, y - 0.9), _WIDTHS[kind], 1.8))
        else:
            counts[x, y][block] += 1
    for (x, y), blocks in counts.items():
        # A tile of logic, shared as its cells are.
        low = y - 0.5
        for block, count in blocks.items():
            height = count / sum(blocks.values())
            shapes[block].append(Rectangle((x - 0.5, low), 1, height))
            low += height
    figure, axes = pyplot.subplots(figsize=(9, 7), dpi=110)
    for _, block, colour in _BLOCKS:
        axes.add_collection(PatchCollection(shapes[block], color=colour, linewidth=0))
        axes.plot([], [], "s", color=colour, label=block)
    axes.set(xlim=(0, 127), ylim=(96, 0), aspect="equal", xticks=[], yticks=[], facecolor="#f7f7f7")
    axes.set_title("8x8 engine on an ECP5-85F, as nextpnr placed it", fontsize=11)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
    picture = io.BytesIO()
    figure.savefig(picture, bbox_inches="tight", metadata={"Software": None})
    atomic_write(path, picture.getvalue())


def _block(name: str) -> str:
    inner = name.removeprefix("engine.engine.") if name.startswith("engine.engine.") else "-" + name
    return next(block for pattern, block, _ in _BLOCKS if re.match(pattern, inner))


if __name__ == "__main__":
    sys.exit(main())
