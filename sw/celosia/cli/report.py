"""The option --report: a run as one HTML page."""

import argparse
import hashlib
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from celosia.network.float_network import FloatNetwork
from celosia.quant.scales import settle
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, read

from .files import load_array, load_model

if TYPE_CHECKING:
    from celosia.compiler.image import Image
    from celosia.driver.metrics import Metrics
    from celosia.driver.parallel import Run
    from celosia.network.graph import Graph
    from celosia.network.network import Network

__all__ = ["add_report", "float_results", "write_report"]


def add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", metavar="FILE", help="write a page about the run, .html")
    parser.add_argument(
        "--clock", type=float, metavar="MHZ",
        help="for --report: the clock of its microseconds (that of --board)",
    )  # fmt: skip
    parser.add_argument(
        "--float", metavar="MODEL", help="for --report: the float model, to measure precision by"
    )


def float_results(args: argparse.Namespace, image: "Image") -> list[np.ndarray] | None:
    """Every layer's results of the model of --float on --input, float [n, N] each.

    Raises
    ------
    CelosiaError : it is not a float model, its layers are not those of ``image``, or the inputs are
        not float.
    """
    if args.clock is not None:
        if not args.report:
            raise CelosiaError("only a report needs it", where="--clock", todo="add --report FILE")
        if not (math.isfinite(args.clock) and args.clock > 0):
            raise CelosiaError(f"{args.clock:g} MHz is not a positive frequency", where="--clock")
    if not args.float:
        return None
    if not args.report:
        raise CelosiaError("only a report needs it", where="--float", todo="add --report FILE")
    model, x = load_model(args.float), load_array(args.input)
    if not isinstance(model, FloatNetwork):
        raise CelosiaError("is not a float model", where=args.float)
    if x.dtype.kind != "f":
        raise CelosiaError(f"{x.dtype} inputs, but --float needs float ones", where=args.input)
    settled = settle(model.graph)
    results = [y for _, y in settled.graph.evaluate(settled.before(model.prepare(x)))]
    widths = [y.shape[1] for y in results]
    ours = [layer.outputs for layer in image.model.layers]
    if widths != ours:
        raise CelosiaError(
            f"layers of {widths} outputs, the program's have {ours}", where=args.float
        )
    return results


def write_report(
    args: argparse.Namespace,
    image: "Image",
    x: np.ndarray,
    run: "Run",
    metrics: "Metrics",
    mismatches: int,
    labels: np.ndarray | None,
    reference: list[np.ndarray] | None,
    model: "Graph | Network | None" = None,
) -> None:
    """Write the page of a complete run; the file is whole or not there.

    ``model`` : what ``image`` was compiled from; None if it is not known.
    """
    from celosia.boards import BOARDS
    from celosia.network.folding import Folded, fold_channels
    from celosia.network.network import Network
    from celosia.report import gather, render

    folded = None
    if model is not None and image.config.convolution:
        graph = model.graph if isinstance(model, Network) else model
        folded = Folded.none(graph) if args.no_fold else fold_channels(graph)
    x_given, host = load_array(args.input), image.model.host
    real = x_given.reshape(len(x), -1) if x_given.dtype.kind == "f" else None
    if host is not None:
        real = host.reals(x_given)
    facts = gather(
        *(image, x, run.outputs, metrics, mismatches),
        batch=args.batch,
        skip=not args.no_skip,
        labels=labels,
        real=real,
        reference=reference,
        folded=folded,
    )
    made = [("command", shlex.join(["celosia", *sys.argv[1:]]))]
    made += [
        (f"sha256 of {name}, first 16 digits", hashlib.sha256(data).hexdigest()[:16])
        for name, data in (
            ("the model's file", read(args.model) if Path(args.model).is_file() else b""),
            ("the program image", image.to_bytes()),
            ("the inputs' file", read(args.input)),
        )
        if data
    ]
    mhz = args.clock
    if mhz is None and args.board in BOARDS:
        mhz = BOARDS[args.board].clock_mhz
    atomic_write(args.report, render(facts, made, mhz).encode())
