"""Write an example: a model, a sample to calibrate with, inputs and labels."""

import argparse
from pathlib import Path

from celosia.support.errors import CelosiaError
from celosia.support.files import require_writable

from . import options
from .console import Console
from .page import columns

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="example; none: list them")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="for the files (NAME)")


def run(args: argparse.Namespace) -> int:
    from celosia.examples import RECIPES, example

    console = Console(args.quiet)
    if args.name is None:
        columns(
            console, ("NAME", "what it is"), [(name, text) for name, (text, _) in RECIPES.items()]
        )
        return 0
    if args.name not in RECIPES:
        raise CelosiaError(
            f"unknown example {args.name!r}{options.nearest(args.name, RECIPES)}",
            where="example",
            todo=f"known: {', '.join(RECIPES)}",
        )
    folder = Path(args.output or args.name)
    require_writable(folder, todo="choose another folder with -o")
    with console.progress() as progress:
        made = example(args.name, progress)
    written = made.save(folder)
    count = f"{made.model.graph.macs:,} MACs, {len(made.inputs):,} inputs"
    console.say(f"{args.name}: {RECIPES[args.name][0]}; {count}; {made.about}")
    for path in written:
        console.say(f"  {path}")
    labels = "" if made.labels is None else f" --labels {folder}/labels.npy"
    console.say("try:")
    console.say(
        f"  celosia run {folder}/model.npz --calibrate {folder}/calibration.npy "
        f"--input {folder}/inputs.npy{labels}"
    )
    return 0
