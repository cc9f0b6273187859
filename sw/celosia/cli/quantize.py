"""Quantize a float model to an int8 graph."""

import argparse
from pathlib import Path

from celosia.cli import options
from celosia.cli.console import Console
from celosia.cli.files import load_array, load_model
from celosia.errors import CelosiaError

__all__ = ["CALIBRATION_IMAGES", "add_arguments", "add_calibration", "calibrated", "run"]

#: Training images that the ranges of activations are observed on.
CALIBRATION_IMAGES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="float model, .npz")
    add_calibration(parser, required=True)
    options.add_output(parser, "the graph, .npz")


def add_calibration(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument(
        "--calibrate", metavar="FILE", required=required,
        help="sample of inputs, float [n, inputs], .npy or .npz; or the word mnist",
    )  # fmt: skip
    options.add_data(parser)
    parser.add_argument(
        "--method", choices=("minmax", "percentile", "mse"), default="mse",
        help="how the ranges of activations are chosen (mse)",
    )  # fmt: skip


def calibrated(args: argparse.Namespace, model, console: Console):
    """The graph that ``model`` is quantized to with the options of `add_calibration`."""
    from celosia.quant import quantize

    sample = _sample(args, console)
    try:
        return quantize(model, sample, args.method, name=Path(args.model).stem)
    except CelosiaError as error:
        where = f"{args.model} with {args.calibrate}"
        where += f", {error.where}" if error.where else ""
        raise type(error)(error.what, where=where, todo=error.todo) from error


def _sample(args: argparse.Namespace, console: Console):
    if args.calibrate != "mnist":
        return load_array(args.calibrate)
    from celosia.data import load_mnist, scaled

    with console.progress() as progress:
        dataset = load_mnist(args.data, progress)
    return scaled(dataset.x_train[:CALIBRATION_IMAGES])


def run(args: argparse.Namespace) -> int:
    from celosia.graph_file import save_graph
    from celosia.mlp import FloatMLP

    options.check_outputs(args.output)
    console = Console(args.quiet)
    model = load_model(args.model)
    if not isinstance(model, FloatMLP):
        raise CelosiaError("is quantized already", where=args.model, todo="compile it")
    graph = calibrated(args, model, console)
    save_graph(graph, args.output)
    console.say(f"{args.output}: {len(graph.layers)} int8 layers, {graph.macs:,} MACs")
    return 0
