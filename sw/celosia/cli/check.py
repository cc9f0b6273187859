"""Say at once whether a model runs on an engine, and how fast: no quantization, no simulation."""

import argparse
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from celosia.boards import BOARDS
from celosia.support.errors import CelosiaError

from . import options
from .console import Console
from .page import columns, heading, share_bar

if TYPE_CHECKING:
    from celosia.predict.check import Check
    from celosia.spec import Config

__all__ = ["add_arguments", "run"]

_PLACES = {"engine": "green", "host": "cyan", "dropped": "dim", "unsupported": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", help="model, graph or program image of any kind that Celosia reads"
    )
    parser.add_argument("--target", metavar="ROWSxCOLS", help="shape of the engine, such as 1x64")
    parser.add_argument(
        "--clock", type=float, metavar="MHZ",
        help="clock that images/s are said for (that of --board, else 100, an assumption)",
    )  # fmt: skip
    options.add_reference(parser)
    options.add_engine(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0: it fits; 3: some memory is too small; 4: an operation is not supported."""
    from celosia.predict.check import Check

    from .outline import read_image, read_outline

    options.check_outputs(args.json)
    console = Console(args.quiet, args.json)
    if args.clock is None:
        args.clock = BOARDS[args.board].clock_mhz if args.board in BOARDS else 100.0
    if not (math.isfinite(args.clock) and args.clock > 0):
        raise CelosiaError(f"{args.clock:g} MHz is not a positive frequency", where="--clock")
    asked = _engine(args)
    outline, image = read_outline(args.model, options.reference(args)), read_image(args.model)
    config = outline.config if outline.config and not asked else asked or options.config(args)
    if image and not image.runs_on(config):
        raise CelosiaError(
            f"a program for the {image.config} engine runs on no other",
            where=args.model,
            todo="check the model itself",
        )
    with console.progress() as progress:
        check = Check(outline, config, args.clock, image, progress)
        document = check.to_dict()
    _show(check, console)
    console.write_json(document)
    return check.status


def _engine(args: argparse.Namespace) -> "Config | None":
    """The `Config` asked for; None when nothing was asked, so that a program image's own counts."""
    if args.target:
        found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", args.target)
        if not found:
            raise CelosiaError(
                f"{args.target!r} is not ROWSxCOLS",
                where="--target",
                todo="give it as 16x16",
            )
        args.rows, args.cols = map(int, found.groups())
    return options.config(args) if options.asks_engine(args) else None


def _show(check: "Check", console: Console) -> None:
    outline, bad = check.outline, check.outline.unsupported
    size = f", {len(outline.layers)} layers, {outline.macs:,} MACs" if outline.layers else ""
    heading(console, f"{outline.name}: {outline.kind}{size}")
    rows = [
        (op.name, Text(op.place.value, _PLACES[op.place.value]), op.why)
        for op in outline.operations
    ]
    columns(console, ("operation", "runs on", "how"), rows)
    if bad:
        names = ", ".join(sorted({op.kind for op in bad}))
        console.say()
        # Importers that stop at what they do not know leave no layers, and list nothing else.
        count = f"{len(bad)} of {len(rows)}" if outline.layers else f"{len(bad)}"
        console.say(f"unsupported: {count} operations ({names})", "bold red")
        return
    heading(console, f"memories of the {check.config} engine")
    columns(
        console, ("memory", ">needed", ">available", ">bytes", "", ""), _memories(check, console)
    )
    if check.changes is None:
        console.say()
        console.say("does not fit: no engine holds it; split the model", "bold red")
        return
    _show_speed(check, console)
    console.say()
    for line in _short(check):
        console.say(line, "bold red")
    if check.lacking:
        lacks = " and ".join(check.lacking)
        console.say(
            f"the {check.config} engine lacks {lacks}; it runs with {check.flags}", "bold red"
        )
    elif check.changes:
        console.say(
            f"does not fit the {check.config} engine; it fits with {check.flags}", "bold red"
        )
    else:
        console.say(f"fits the {check.config} engine", "bold green")


def _memories(check: "Check", console: Console) -> Iterator[tuple[str | Text, ...]]:
    for use in check.memories:
        yield (
            use.title,
            f"{use.needed:,}",
            f"{use.available:,}",
            f"{use.needed * use.record_bytes:,}",
            share_bar(console, use.share, "green" if use.fits else "red"),
            Text(f"{use.share:.0%}" if math.isfinite(use.share) else "none there",
                 "" if use.fits else "bold red"),
        )  # fmt: skip


def _short(check: "Check") -> Iterator[str]:
    """A line for each memory that is too small."""
    for use in check.memories:
        if not use.fits:
            by = f"{use.needed - use.available:,} of {use.needed:,}"
            yield f"short of {use.title}: {by} words are missing"


def _show_speed(check: "Check", console: Console) -> None:
    found, engine = check.estimate, check.judged
    assert found and check.latency_seconds is not None  # of a model that some engine holds
    which = "smallest engine that holds it" if check.changes else f"{engine} engine"
    batches = f"full batches of {found.images}" if found.images > 1 else "one image after the other"
    heading(console, f"layers on the {which}, {batches}")
    rows = [
        (
            need.layer.name,
            need.shape,
            f"{need.weights:,}",
            f"{need.params:,}",
            f"{need.activations:,}",
            "yes" if need.tables else "",
            f"{need.cycles:,.0f}",
            f"{need.cycles / found.images / check.mhz:,.1f}",
            f"{need.share:.1%}",
            f"{need.busy:.0%}" if need.busy is not None and need.layer.macs else "",
            share_bar(console, need.share, "yellow" if need.share >= 0.25 else "blue"),
        )
        for need in check.layers
    ]
    columns(
        console,
        (
            "layer",
            ">in, out",
            ">weights",
            ">params",
            ">act.",
            "table",
            ">cycles",
            ">us/image",
            ">share",
            ">busy",
            "",
        ),
        rows,
    )
    heading(console, f"speed, no zero skipped, at {check.mhz:g} MHz (--clock)")
    about = "" if found.exact else "about "
    lines = [
        ("one image alone", f"{about}{found.latency:,} cycles",
         f"{check.latency_seconds * 1e6:,.1f} us"),
        (batches, f"{about}{found.per_image:,.1f} cycles per image",
         f"{check.images_per_second:,.0f} images/s"),
    ]  # fmt: skip
    if check.utilization is not None:
        text = f"{check.utilization:.1%} of {engine.multipliers} multipliers"
        lines.append(("utilization", text, ""))
    columns(console, (), lines)
    needs = sorted(check.layers, key=lambda need: need.cycles, reverse=True)
    if check.folded and check.folded.macs < check.outline.macs:
        console.say(
            f"without channels that no input can change {check.folded.macs:,} of "
            f"{check.outline.macs:,} MACs are left"
        )
    most = ", ".join(f"{n.layer.name} ({n.share:.0%})" for n in needs[:3] if n.share >= 0.1)
    console.say(f"most time goes to {most or 'no layer in particular'}")
