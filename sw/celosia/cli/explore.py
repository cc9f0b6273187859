"""Choose hardware: which boards and engines hold a model, how fast, and at what price."""

import argparse
import os

from celosia.support.errors import CelosiaError

from . import options
from .console import Console

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", help="model, graph or program image of any kind that Celosia reads"
    )
    group = parser.add_argument_group("sweep")
    group.add_argument(
        "--board", metavar="NAME", action="append", help="only this board; may be repeated (all)"
    )
    for name in ("rows", "cols"):
        group.add_argument(
            f"--{name}", metavar="N,N,...",
            help=f"{name} of engines to look at (a usual choice, and what was placed)",
        )  # fmt: skip
    group.add_argument(
        "--no-estimates", action="store_true",
        help="clocks of placed engines only (others have that of the next larger placed one on the "
        "same FPGA, marked as an estimate)",
    )  # fmt: skip
    group.add_argument(
        "--placements", metavar="FILE",
        help="results of place and route to take clocks from (those kept with Celosia)",
    )  # fmt: skip
    group.add_argument(
        "--jobs", type=int, metavar="N", default=len(os.sched_getaffinity(0)),
        help="processes side by side (as many as cores)",
    )  # fmt: skip
    group.add_argument(
        "--dask", metavar="ADDRESS",
        help="compute on the cluster of this Dask scheduler, such as tcp://host:8786",
    )  # fmt: skip
    parser.add_argument(
        "--plot", metavar="FILE", help="draw what was found: .png or .svg, or .html for a page"
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0: some engine holds it; 3: none does; 4: an operation is not supported."""
    from celosia.boards import BOARDS, PLACEMENTS, board, load_placements
    from celosia.explore import explore
    from celosia.explore.plot import require_plot, write_plot
    from celosia.predict.check import FITS, TOO_LARGE, UNSUPPORTED
    from celosia.support.cluster import require_dask

    from .explore_page import show
    from .outline import read_image, read_outline

    if args.jobs < 1:
        raise CelosiaError(f"{args.jobs} is not at least 1", where="--jobs")
    boards = list(map(board, args.board)) if args.board else list(BOARDS.values())
    rows, cols = _numbers(args.rows, "--rows"), _numbers(args.cols, "--cols")
    if args.dask is not None:
        require_dask()
    if args.plot:
        require_plot(args.plot)
    options.check_outputs(args.json, args.plot)
    console = Console(args.quiet, args.json)
    path = str(args.placements or PLACEMENTS)
    placements = load_placements(path)
    if args.placements and not os.path.exists(path):
        raise CelosiaError("no such file", where=path, todo="check the path")
    outline = read_outline(args.model)
    if image := read_image(args.model):
        raise CelosiaError(
            f"a program for the {image.config} engine runs on no other",
            where=args.model,
            todo="explore the model itself",
        )
    with console.progress() as progress:
        found = explore(
            outline,
            boards=boards,
            rows=rows,
            cols=cols,
            placements=placements,
            estimate_clocks=not args.no_estimates,
            jobs=args.jobs,
            dask=args.dask,
            progress=progress,
        )
    show(found, console)
    if args.plot and found.points:
        write_plot(found, args.plot)
    console.write_json(found.to_dict())
    if outline.unsupported:
        return UNSUPPORTED
    return FITS if found.fitting else TOO_LARGE


def _numbers(text: str | None, option: str) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise CelosiaError(
            f"{text!r} are no numbers", where=option, todo="give some, as 1,2,4"
        ) from None
