"""The whole path on handwritten digits: train, quantize, compile, run, compare."""

import argparse

import numpy as np

from celosia.support.errors import CelosiaError

from . import options
from .console import Console
from .execute import execute, find_board, metric_rows
from .quantize import CALIBRATION_IMAGES
from .show import show_digits
from .train import dataset_line

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_data(parser)
    parser.add_argument("--images", type=int, metavar="N", help="test images to run (all)")
    parser.add_argument("--epochs", type=int, default=10, help="of training (10)")
    options.add_run(parser, transport="rtl")
    options.add_engine(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from celosia.compiler import compile
    from celosia.compiler.maps.stack import most
    from celosia.demo import load_mnist, scaled
    from celosia.demo.train import train_mlp
    from celosia.model import run as golden
    from celosia.quant import quantize

    options.check_outputs(args.json)
    if args.images is not None and args.images < 1:
        raise CelosiaError(f"{args.images} is not at least 1", where="--images")
    console = Console(args.quiet, args.json)
    options.check_run(args)
    if args.port is not None and not options.asks_engine(args):
        config = find_board(args, console)
    else:
        if args.convolution is None and args.board is None:
            # A perceptron needs no more; this engine is built and simulated in half the time.
            args.convolution = 0
        config = options.config(args)
    options.check_batch(args, config.rows * most(config))
    with console.progress() as progress:
        dataset = load_mnist(args.data, progress)
    console.say(dataset_line(dataset))
    with console.progress() as progress:
        model = train_mlp(dataset, epochs=args.epochs, progress=progress)
    sample = scaled(dataset.x_train[:CALIBRATION_IMAGES])
    network = quantize(model, sample, name=dataset.name)
    image = compile(network, config)
    options.check_batch(args, image.batch)
    sizes = "-".join(map(str, model.sizes))
    console.say(f"network: {sizes}, {network.graph.macs:,} MACs an image, int8; engine: {config}")

    pixels, labels = dataset.x_test[: args.images], dataset.y_test[: args.images]
    x = network.prepare(scaled(pixels))
    floats, expected = model.predict(scaled(pixels)), golden(image, x)[-1]
    run, metrics, complete = execute(args, image, x, console)

    done, outputs = run.done, run.outputs[run.done]
    classes = outputs.argmax(axis=1)
    shares = {
        "accuracy_float": _share(floats[done] == labels[done]),
        "accuracy_int8": _share(classes == labels[done]),
        "agreement": _share(classes == floats[done]),
    }
    mismatches = int((outputs != expected[done]).sum())
    if not complete:
        so_far = _percent(shares["accuracy_int8"])
        console.say(
            f"interrupted: {metrics.images:,} of {len(x):,} images done, accuracy so far {so_far}"
        )
    rows = [
        ("images", f"{metrics.images:,} on {options.transport_name(args)}"),
        ("float accuracy", _percent(shares["accuracy_float"])),
        ("int8 accuracy", _percent(shares["accuracy_int8"])),
        ("same prediction", _percent(shares["agreement"])),
        ("bytes that differ from golden", f"{mismatches:,} of {outputs.size:,}"),
    ]
    console.table(rows + metric_rows(metrics))
    if complete:
        scores = network.finish(outputs)
        show_digits(console, pixels, labels, scores)
    console.write_json(
        {
            "dataset": dataset.name,
            "dataset_source": dataset.source,
            "is_mnist": dataset.name == "mnist",
            "network": list(model.sizes),
            "engine": config.to_dict(),
            "transport": args.transport,
            "rtl": options.rtl_form(args),
            "batch": args.batch or image.batch,
            "skip": not args.no_skip,
            "jobs": run.jobs,
            "complete": complete,
            **shares,
            "mismatches": mismatches,
            **metrics.to_dict(),
        }
    )
    return 130 if not complete else int(mismatches > 0)


def _share(good: np.ndarray) -> float | None:
    return float(good.mean()) if len(good) else None


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{share:.2%}"
