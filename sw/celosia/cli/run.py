"""Run inputs through a compiled model."""

import argparse
import io
from typing import TYPE_CHECKING

import numpy as np

from celosia.network.npz import pack
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from . import options
from .console import Console
from .execute import execute, find_board, metric_rows
from .files import load_array, load_model
from .quantize import add_calibration, compilable
from .report import add_report, float_results, write_report

if TYPE_CHECKING:
    from celosia.compiler.image import Image

__all__ = ["add_arguments", "run"]

_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="program image .celosia, or a model as `compile` takes it")
    parser.add_argument(
        "--input", metavar="FILE", required=True,
        help="the model's inputs [n, ...], .npy or .npz",
    )  # fmt: skip
    options.add_output(
        parser,
        "the model's output [n, ...], .npy; of several outputs all of them by name, .npz",
        required=False,
    )
    parser.add_argument("--labels", metavar="FILE", help="right classes [n], to count hits")
    options.add_run(parser, transport="golden")
    add_calibration(parser, required=False)
    options.add_reference(parser)
    options.add_maps(parser)
    options.add_engine(parser)
    add_report(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    from celosia.compiler import compile
    from celosia.compiler.image import Image
    from celosia.driver.inputs import classes as classes_of
    from celosia.driver.inputs import finish_heads
    from celosia.model import run as golden
    from celosia.quant.doubts import about_labels

    options.check_outputs(args.output, args.json, args.report)
    console = Console(args.quiet, args.json)
    image = load_model(args.model, options.reference(args))
    model = None
    if isinstance(image, Image):
        options.check_reference(options.reference(args), image.model.reference, args.model)
        options.check_run(args)
    else:
        options.check_run(args)
        # A board has the shape that it has; one that is asked for is refused by another.
        asked = args.port is None or options.asks_engine(args)
        config = options.config(args) if asked else find_board(args, console)
        model = compilable(args, image, console)
        image = compile(model, config, **options.maps(args))
    options.check_batch(args, image.batch)
    _check_heads(args, image)
    x = _input(args.input, image, console)
    labels = None
    if args.labels:
        labels = _labels(args.labels, len(x))
        for text in about_labels(labels, image.model.outputs):
            console.warn(text, where=args.labels)
    reference = float_results(args, image)
    run, metrics, complete = execute(args, image, x, console)
    done = run.done
    expected = golden(image, x[done])
    differing = [
        int((y[done] != expected[position]).sum())
        for y, position in zip(run.heads, image.model.positions, strict=True)
    ]
    mismatches = sum(differing)
    classes = classes_of(image, run.outputs)
    right = (classes == labels)[done].mean() if labels is not None and done.any() else None

    results = finish_heads(image, run.heads)
    if args.output and complete:
        atomic_write(args.output, _file(results))
    if not complete:
        console.say(f"interrupted: {metrics.images:,} of {len(x):,} images done")
    rows = [("images", f"{metrics.images:,}"), ("bytes that differ from golden", f"{mismatches:,}")]
    if right is not None:
        rows.append(("right", f"{right:.2%}"))
    console.table(rows + metric_rows(metrics))
    if not args.output and complete:
        _show(results, classes, console)
    if args.report and complete:
        write_report(args, image, x, run, metrics, mismatches, labels, reference, model)
        console.say(f"{args.report}: report")
    console.write_json(
        {
            "dataset": args.input,
            "model": image.model.name,
            "reference": str(image.model.reference),
            "engine": image.config.to_dict(),
            "transport": args.transport,
            "rtl": options.rtl_form(args),
            "complete": complete,
            "accuracy_float": None,
            "accuracy_int8": None if right is None else float(right),
            "mismatches": mismatches,
            "results": [
                each | {"mismatches": count}
                for each, count in zip(image.model.describe_results(), differing, strict=True)
            ],
            **metrics.to_dict(),
            "jobs": run.jobs,
        }
    )
    return 130 if not complete else int(mismatches > 0)


def _check_heads(args: argparse.Namespace, image: "Image") -> None:
    """Refuse what is of one output only, of a model with several."""
    names = [head.name for head in image.model.results]
    if len(names) == 1:
        return
    what = f"the model has {len(names)} outputs ({', '.join(names)})"
    if args.output and not args.output.endswith(".npz"):
        raise CelosiaError(what, where=args.output, todo="give a .npz file, which holds them all")
    if args.labels:
        raise CelosiaError(what, where="--labels", todo="compare the outputs in a .npz file")


def _file(results: dict[str, np.ndarray]) -> bytes:
    """An .npy file of one output, an .npz file of several."""
    if len(results) > 1:
        return pack(results)
    file, (y,) = io.BytesIO(), results.values()
    np.save(file, y)
    return file.getvalue()


def _show(results: dict[str, np.ndarray], classes: np.ndarray, console: Console) -> None:
    """The first few."""
    for index in range(min(len(classes), _SHOWN)):
        if len(results) == 1:
            (y,) = results.values()
            console.say(f"input {index}: class {classes[index]}, {y[index].tolist()}")
            continue
        for name, y in results.items():
            console.say(f"input {index}: {name} {y[index].tolist()}")


def _input(path: str, image: "Image", console: Console) -> np.ndarray:
    """int8 [n, K] of what is in a file, n > 0; says what is doubtful about it."""
    from celosia.driver.inputs import prepare
    from celosia.quant.doubts import about_inputs

    x = load_array(path)
    if not x.ndim or not len(x):
        raise CelosiaError("no inputs", where=path, todo="give at least one")
    prepared = prepare(image, x, path)
    if image.model.host is not None:
        for text in about_inputs(image.model.host, x):
            console.warn(text, where=path)
    return prepared


def _labels(path: str, count: int) -> np.ndarray:
    labels = load_array(path)
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise CelosiaError(
            f"labels are {labels.dtype} {list(labels.shape)}, not integers [{count}]", where=path
        )
    return labels
