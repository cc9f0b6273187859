"""Compile a quantized model to a program image for one engine."""

import argparse

from . import options
from .console import Console
from .files import load_model
from .precision import say_precision
from .quantize import add_calibration, measured

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        help=".tflite, .onnx, .keras, .pt2 or .npz; a float model with --calibrate",
    )
    add_calibration(parser, required=False)
    parser.add_argument(
        "--emit-all", action="store_true", help="hand out every layer's results, not only the last"
    )
    options.add_reference(parser)
    options.add_maps(parser)
    options.add_engine(parser)
    options.add_output(parser, "the program image, .celosia")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from celosia.compiler import compile, needs
    from celosia.network.folding import fold_channels
    from celosia.network.graph import Graph

    options.check_outputs(args.output, args.json)
    console = Console(args.quiet, args.json)
    config = options.config(args)
    source = load_model(args.model, options.reference(args))
    model, precision = measured(args, source, console)
    compile(model, config, emit_all=args.emit_all, **options.maps(args)).save(args.output)
    graph = model if isinstance(model, Graph) else model.graph
    if not isinstance(model, Graph):
        for note in model.notes:
            console.say(f"note: {note}")
    console.say(f"{args.output}: {len(graph.layers)} layers, {graph.macs:,} MACs, {config} engine")
    if config.convolution and not args.no_fold:
        folded = fold_channels(graph)
        if dropped := sum(len(each.channels) for each in folded.removed):
            console.say(
                f"{dropped:,} channels that no input can change are folded into biases: "
                f"{folded.graph.macs:,} MACs are left"
            )
    needed = needs(graph, config, **options.maps(args))
    rows = [(name, f"{n:,}", f"{getattr(config, name):,}") for name, n in needed.items()]
    console.table(rows, ("memory", "used", "of"))
    if precision is not None:
        say_precision(console, precision)
    console.write_json(
        {
            "model": args.model,
            "engine": config.to_dict(),
            "layers": len(graph.layers),
            "macs": graph.macs,
            "memory": {
                name: {"used": n, "of": getattr(config, name)} for name, n in needed.items()
            },
            "precision": None if precision is None else precision.to_dict(),
        }
    )
    return 0
