"""Run engine and reference side by side, and find the first tensor that differs."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress

from . import options
from .console import Console
from .files import load_array
from .page import columns, heading, share_bar

if TYPE_CHECKING:
    from celosia.compare import Comparison, Fault, Reference
    from celosia.network.network import Network

__all__ = ["add_arguments", "run"]

#: Lines of a histogram; what lies beyond is one line more.
_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="quantized model: .tflite, QDQ .onnx or graph .npz")
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--input", metavar="FILE", help="the model's inputs [n, ...], .npy or .npz")
    inputs.add_argument("--random", type=int, metavar="N", help="N inputs drawn at random instead")
    parser.add_argument("--seed", type=int, default=0, help="of --random (0)")
    parser.add_argument(
        "--against", choices=("litert", "tflm", "onnxruntime", "reference"),
        help="what to hold it against: a runtime of the model file, or reference, the layers "
        "evaluated directly in NumPy (the runtime whose bytes it gives, if there is one)",
    )  # fmt: skip
    options.add_reference(parser)
    parser.add_argument(
        "--transport", choices=("golden", "rtl"), default="golden",
        help="engine: the NumPy model or the compiled simulation of the Verilog (golden)",
    )  # fmt: skip
    options.add_rtl(parser, "placed")
    options.add_engine(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0: every byte is equal; 1: some differ."""
    from celosia.compare import compare, run_engine

    options.check_outputs(args.json)
    console = Console(args.quiet, args.json)
    config = options.config(args)
    network = _network(args)
    x = _inputs(args, network)
    with console.progress() as progress:
        start = time.perf_counter()
        reference = _reference(args, network, x, progress)
        middle = time.perf_counter()
        layers = run_engine(
            network.graph, network.prepare(x), config, args.transport, progress, args.rtl
        )
        seconds = time.perf_counter() - middle
    found = compare(network, x, layers, reference, _other(args, network))
    _show(found, len(x), f"{options.transport_name(args)} {config} engine", console)
    document = {"model": args.model, "images": len(x), "engine": config.to_dict()}
    document |= {"bytes_of": str(network.reference)}
    document |= {"transport": args.transport, "rtl": options.rtl_form(args), "seconds": seconds}
    document |= {"reference_seconds": middle - start, "outputs": network.describe_heads()}
    console.write_json(document | found.to_dict())
    return int(not found.equal)


def _network(args: argparse.Namespace) -> "Network":
    """What is in the file, as `Network`: a graph alone is one without host steps."""
    from celosia.compiler.image import Image
    from celosia.network.float_network import FloatNetwork
    from celosia.network.graph import Graph
    from celosia.network.network import Network
    from celosia.numerics.runtime import Runtime

    from .files import load_model

    model = load_model(args.model, options.reference(args))
    if isinstance(model, Image):
        own = model.model.reference
        what = f"is a program image, made for {own.label}"
        if args.against in tuple(Runtime) and args.against != own:
            other = Runtime(args.against).label
            what += f", whose FULLY_CONNECTED and tables of functions differ from {other}'s"
        raise CelosiaError(
            what,
            where=args.model,
            todo=f"give the model that it was made of, with --reference {own}",
        )
    if isinstance(model, FloatNetwork):
        raise CelosiaError(
            "is a float model",
            where=args.model,
            todo="quantize it with celosia quantize",
        )
    return Network.of(model) if isinstance(model, Graph) else model


def _other(args: argparse.Namespace, network: "Network") -> "Network | None":
    """The model with the bytes of the runtime that it is held against, if it gives others."""
    from celosia.importer import load_model
    from celosia.network.network import Network
    from celosia.numerics.runtime import Runtime

    if args.against not in tuple(Runtime) or args.against == network.reference:
        return None
    try:
        other = load_model(args.model, args.against)
    except CelosiaError:
        # What one runtime refuses can still be run by the other, but not explained.
        return None
    return other if isinstance(other, Network) else None


def _inputs(args: argparse.Namespace, network: "Network") -> np.ndarray:
    """[n, *input_shape] of the model's own type."""
    kind, shape = network.host.input_dtype, network.host.input_shape
    if args.random is None:
        x = load_array(args.input)
        if kind == "int8" and not network.host.pre and x.dtype.kind == "f":
            x = network.graph.input.quantize(x)
        try:
            if not len(x):
                raise CelosiaError("no inputs", todo="give at least one input")
            network.prepare(x)
        except (CelosiaError, TypeError) as error:
            what, todo = "no array of inputs", ""
            if isinstance(error, CelosiaError):
                what, todo = error.what, error.todo
            todo = todo or f"the model takes {kind} {['n', *shape]}".replace("'", "")
            raise CelosiaError(what, where=args.input, todo=todo) from error
        return x.astype(kind, copy=False).reshape(len(x), *shape)
    if not 1 <= args.random <= 1_000_000:
        raise CelosiaError(f"{args.random} is outside 1..1000000", where="--random")
    rng, size = np.random.default_rng(args.seed), (args.random, *shape)
    if kind == "float32":
        # Over what the engine's input can hold.
        low, high = network.graph.input.dequantize(np.array([-128, 127]))
        return rng.uniform(low, high, size).astype(np.float32)
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max + 1, size).astype(kind)


def _reference(
    args: argparse.Namespace, network: "Network", x: np.ndarray, progress: Progress
) -> "Reference":
    from celosia.compare import direct, litert, onnxruntime, tflm
    from celosia.importer.formats import Format, identify
    from celosia.support.files import read

    # The runtime whose bytes it gives is first.
    both = sorted(("litert", "tflm"), key=lambda each: each != network.reference)
    own = {Format.TFLITE: tuple(both), Format.ONNX: ("onnxruntime",)}
    kind = identify(read(args.model), Path(args.model).suffix)
    possible = (*own.get(kind, ()), "reference")
    against = args.against or possible[0]
    if against == "reference":
        return direct(network, x)
    if against not in possible:
        todo = "use " + " or ".join(possible)
        raise CelosiaError(f"{against} does not read this file", where=args.model, todo=todo)
    run = {"litert": litert, "tflm": tflm, "onnxruntime": onnxruntime}[against]
    return run(args.model, network, x, progress)


def _show(found: "Comparison", images: int, engine: str, console: Console) -> None:
    heading(console, f"{engine} against {found.reference}, {images:,} inputs")
    rows: list[tuple[str | Text, ...]] = []
    for tensor, alone in zip(found.tensors, found.alone, strict=True):
        bad = tensor.differing > 0
        rows.append(
            (
                tensor.name,
                tensor.place,
                f"{tensor.bytes:,}",
                Text(f"{tensor.differing:,} differ" if bad else "equal", "red" if bad else "green"),
                f"{tensor.largest:g}" if bad else "",
                "" if alone is None else "equal" if not alone else f"{alone:,} differ",
            )
        )
    header: tuple[str, ...] = (
        "tensor",
        "made by",
        ">bytes",
        "",
        ">largest",
        "alone, on the reference's input",
    )
    if found.equal:
        header, rows = header[:4], [row[:4] for row in rows]
    columns(console, header, rows)
    if found.fault is None:
        console.say()
        console.say(
            f"equal: all {found.bytes:,} bytes of {len(found.tensors)} tensors", "bold green"
        )
    else:
        _show_first(found, found.fault, console)


def _show_first(found: "Comparison", fault: "Fault", console: Console) -> None:
    tensor = found.tensors[fault.tensor]
    first = tensor.first
    assert first  # a fault is a difference
    console.say()
    at = f"channel {first.channel}"
    if tensor.shape[:2] != (1, 1):
        at = f"y {first.y}, x {first.x}, {at}"
    console.say(f"first difference: {tensor.name}, {at}", "bold red")
    channels = list(tensor.channels)
    share = (
        f"{tensor.differing:,} of {tensor.elements:,} ({tensor.differing / tensor.elements:.2%})"
    )
    few = ", ".join(map(str, channels[:8])) + (", ..." if len(channels) > 8 else "")
    columns(
        console,
        (),
        [
            ("at", f"input {first.image}, {at}"),
            ("engine", f"{first.ours:g}"),
            ("reference", f"{first.theirs:g}"),
            ("differ", f"{share}, by up to {tensor.largest:g}"),
            ("channels", f"{few} ({len(channels):,} in all)"),
            ("why", _why(found, fault)),
        ],
    )  # fmt: skip
    heading(console, "engine minus reference")
    most = max(tensor.histogram.values())
    shown = sorted(tensor.histogram.items(), key=lambda item: -item[1])[:_SHOWN]
    rows = [
        (f"{step:+g}", f"{count:,}", share_bar(console, count / most, "red"))
        for step, count in sorted(shown)
    ]
    if rest := len(tensor.histogram) - len(shown):
        count = sum(tensor.histogram.values()) - sum(count for _, count in shown)
        rows.append(("others", f"{count:,}", Text(f"{rest} more values", "dim")))
    columns(console, (">difference", ">elements", ""), rows)


def _why(found: "Comparison", fault: "Fault") -> str:
    tensor = found.tensors[fault.tensor]
    if fault.runtime and not fault.engine:
        return fault.runtime
    if len(found.tensors) == 1:
        return "the reference shows its results only, so that the layer cannot be told"
    if fault.engine is None:
        return f"a step on the host before or after the engine makes the {tensor.name}"
    if fault.engine:
        return (
            f"the engine departs from the NumPy reference in {fault.engine:,} elements: the fault "
            "is in the engine, not in the model"
        )
    if fault.as_is is None:
        return "the reference shows no tensor before it, so that the layer cannot be told"
    if not fault.as_is:
        return "given the reference's input the layer matches"
    if fault.would_match:
        return f"it would match with {' or '.join(fault.would_match)}"
    tried = ", ".join(f"with {words} {count:,} differ" for words, count in fault.variants.items())
    tried = f" ({tried})" if tried else ""
    only = f" of channel {next(iter(tensor.channels))}" if len(tensor.channels) == 1 else ""
    return f"nothing usual would match{tried}: a weight, bias, multiplier or scale{only}"
