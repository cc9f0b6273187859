"""Quantize a float model to int8."""

import argparse
from typing import TYPE_CHECKING

from celosia.support.errors import CelosiaError

from . import options
from .console import Console
from .files import load_array, load_model
from .precision import say_precision

if TYPE_CHECKING:
    import numpy as np

    from celosia.compiler.image import Image
    from celosia.importer.load import Model
    from celosia.network.float_network import FloatNetwork
    from celosia.network.graph import Graph
    from celosia.network.network import Network
    from celosia.quant import Precision

__all__ = [
    "CALIBRATION_IMAGES",
    "add_arguments",
    "add_calibration",
    "calibrated",
    "compilable",
    "measured",
    "run",
]

#: Training images that the ranges of activations are observed on.
CALIBRATION_IMAGES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="float model: .npz, .keras, .onnx, .pt2 or .tflite")
    add_calibration(parser, required=True)
    options.add_reference(parser)
    options.add_output(parser, "the int8 network, .npz")
    options.add_json(parser)


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


def compilable(
    args: argparse.Namespace, model: "Image | Model", console: Console
) -> "Graph | Network":
    """``model`` as `celosia.compiler.compile` takes it: a float one is quantized first, with
    warnings where it loses much.

    Raises
    ------
    CelosiaError : a float model without --calibrate, or an image, which is compiled already.
    """
    network, precision = measured(args, model, console)
    if precision is not None:
        for text in precision.warnings:
            console.warn(text)
    return network


def measured(
    args: argparse.Namespace, model: "Image | Model", console: Console
) -> "tuple[Graph | Network, Precision | None]":
    """As `compilable`, and the precision of what was quantized here; without its warnings."""
    from celosia.compiler.image import Image
    from celosia.network.float_network import FloatNetwork

    if isinstance(model, Image):
        raise CelosiaError("is compiled already", where=args.model, todo="give graph or model")
    if not isinstance(model, FloatNetwork):
        return model, None
    if not args.calibrate:
        raise CelosiaError(
            "is a float model", where=args.model, todo="add --calibrate FILE to quantize it"
        )
    return calibrated(args, model, console)


def calibrated(
    args: argparse.Namespace, model: "FloatNetwork", console: Console
) -> "tuple[Network, Precision]":
    """The network that ``model`` is quantized to with the options of `add_calibration`; its inputs
    and outputs are the model's own. Says what is doubtful about the sample."""
    from celosia.numerics.runtime import Runtime
    from celosia.quant import measure, quantized
    from celosia.quant.doubts import about_sample

    sample = _sample(args, console)
    try:
        runtime = options.reference(args) or Runtime.LITERT
        found = quantized(model, sample, args.method, reference=runtime)
        for text in about_sample(found, model.prepare(sample)):
            console.warn(text, where=args.calibrate)
        return found.network, measure(found, model, sample)
    except CelosiaError as error:
        where = f"{args.model} with {args.calibrate}"
        where += f", {error.where}" if error.where else ""
        raise type(error)(error.what, where=where, todo=error.todo) from error


def _sample(args: argparse.Namespace, console: Console) -> "np.ndarray":
    if args.calibrate != "mnist":
        return load_array(args.calibrate)
    from celosia.demo import load_mnist, scaled

    with console.progress() as progress:
        dataset = load_mnist(args.data, progress)
    return scaled(dataset.x_train[:CALIBRATION_IMAGES])


def run(args: argparse.Namespace) -> int:
    from celosia.network.float_network import FloatNetwork
    from celosia.network.network_file import save_network

    options.check_outputs(args.output, args.json)
    console = Console(args.quiet, args.json)
    model = load_model(args.model)
    if not isinstance(model, FloatNetwork):
        raise CelosiaError("is quantized already", where=args.model, todo="compile it")
    network, precision = calibrated(args, model, console)
    save_network(network, args.output)
    graph = network.graph
    console.say(f"{args.output}: {len(graph.layers)} int8 layers, {graph.macs:,} MACs")
    say_precision(console, precision)
    console.write_json({"model": args.model, "macs": graph.macs, "precision": precision.to_dict()})
    return 0
