"""Build the bitstream of an engine for a board: synthesis, place and route, packing."""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

import celosia
from celosia.boards import BOARDS, Board, board
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, require_writable
from celosia.support.progress import Progress

from . import options
from .console import Console
from .page import columns, heading, share_bar

if TYPE_CHECKING:
    from celosia.flow import Placed
    from celosia.predict.check import Check
    from celosia.spec import Config

__all__ = ["add_arguments", "run"]

#: How a bitstream gets onto a board.
_PROGRAM = {
    "icebreaker": "iceprog",
    "upduino": "iceprog",
    "ulx3s-85f": "openFPGALoader --board ulx3s",
    "tang-nano-9k": "openFPGALoader --board tangnano9k",
    "tang-nano-20k": "openFPGALoader --board tangnano20k",
}
_CELLS = {
    "luts": "LUTs",
    "ffs": "flip-flops",
    "multipliers": "multipliers",
    "block_rams": "block RAMs",
    "single_port_rams": "single-port RAMs",
}
#: Minutes from start to bitstream of a family's default engine, on a core that is free.
_MINUTES = {"ice40": 4, "ecp5": 6, "gowin": 5}
#: Seconds between two updates of what a tool says: on a terminal, and in a log.
_TERMINAL_SECONDS, _LOG_SECONDS = 0.5, 30
#: Seeds that are tried while the clock is not met: their clocks differ by about a tenth.
_SEEDS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", nargs="?", help=", ".join(BOARDS))
    parser.add_argument("--list", action="store_true", help="show the boards, and build nothing")
    parser.add_argument(
        "--clock", type=float, metavar="MHZ", help="clock of the engine (as the board has it)"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N",
        help=f"for the placer (1, then 2 to {_SEEDS} while the clock is not met)",
    )  # fmt: skip
    parser.add_argument(
        "--technology", metavar="NAME",
        help="cells to build from; portable leaves their choice to synthesis (the family's own)",
    )  # fmt: skip
    parser.add_argument(
        "--baud", type=int, metavar="N",
        help="bits per second of the serial line (the board's, or the next that the clock allows)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="for the bitstream and its log (build/BOARD)"
    )
    options.add_engine(parser, of_board=True)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0: there is a bitstream. A design that is too large or too slow is an error."""
    options.check_outputs(args.json)
    console = Console(args.quiet, args.json)
    if args.list:
        return _list(console)
    if not args.board:
        raise CelosiaError("which board?", where="build", todo=f"known: {', '.join(BOARDS)}")
    aim = board(args.board)
    config = _engine(aim, args)
    if args.clock is not None and not (math.isfinite(args.clock) and args.clock > 0):
        raise CelosiaError(f"{args.clock:g} MHz is not a positive frequency", where="--clock")
    for name in ("seed", "baud"):
        if (value := getattr(args, name)) is not None and value < 1:
            raise CelosiaError(f"{value} is not at least 1", where=f"--{name}")
    folder = Path(args.output or f"build/{aim.name}")
    require_writable(folder, todo="choose another folder with -o")
    _check(aim, config, args)
    placed = _build(aim, config, args, console)
    output = folder / f"{aim.name}-{config}"
    bitstream = output.with_suffix(Path(placed.netlist.family.bitstream).suffix)
    atomic_write(output.with_suffix(".log"), placed.log.read_bytes())
    if placed.bitstream:
        atomic_write(bitstream, placed.bitstream.read_bytes())
    else:
        bitstream.unlink(missing_ok=True)  # one of an earlier build would be mistaken for this one
    settings = output.with_suffix(".json")
    if placed.met:
        atomic_write(settings, json.dumps(_settings(placed, config), indent=2).encode() + b"\n")
    else:
        settings.unlink(missing_ok=True)
    _show(placed, config, bitstream, console)
    console.write_json(_document(placed, config, bitstream))
    placed.check_timing()
    return 0


def _engine(aim: Board, args: argparse.Namespace) -> "Config":
    try:
        return aim.engine(**options.overrides(args))
    except (ValueError, ZeroDivisionError) as error:
        raise CelosiaError(str(error), where="engine", todo="choose another value") from error


def _check(aim: Board, config: "Config", args: argparse.Namespace) -> None:
    """Refuse in a second what minutes of synthesis would end with.

    Raises
    ------
    CelosiaError : memories or multipliers that the device does not have, a tool that is not
        installed, or no such technology.
    """
    from celosia.explore.demand import demand, shortages
    from celosia.flow import FAMILIES
    from celosia.flow.tools import find

    # Other technologies make products and memories in other ways: there, synthesis decides.
    if args.technology in (None, aim.family) and (short := shortages(aim, demand(aim, config))):
        raise CelosiaError(
            f"the {config} engine needs {'; '.join(map(str, short))}",
            where=aim.name,
            todo="choose fewer rows or cols, or smaller memories; `celosia explore` finds engines "
            "that fit a model",
        )
    family = FAMILIES[aim.family]
    for tool in ("yosys", family.placer, family.packer):
        find(tool)


def _expected(aim: Board, config: "Config") -> str:
    """How long it may take, from the time of the board's default engine."""
    own = aim.engine()
    # The part that does not grow with the array: link, control, requantizers, memories.
    share = 0.5 + 0.5 * config.multipliers / own.multipliers
    minutes = _MINUTES[aim.family] * share * (2 if config.convolution > own.convolution else 1)
    return f"synthesis, place and route, about {max(1, round(minutes))} minutes on a free core"


def _settings(placed: "Placed", config: "Config") -> dict:
    """What `--board FILE` of other commands reads."""
    design = placed.netlist.design
    return {
        "celosia": celosia.__version__,
        "board": placed.netlist.board.name,
        "config": config.to_dict(),
        "technology": design.technology,
        "clock_mhz": design.clock,
        "baud": design.baud,
        "seed": placed.seed,
    }


def _build(aim: Board, config: "Config", args: argparse.Namespace, console: Console) -> "Placed":
    from celosia.flow import elaborate, place, synthesize

    asked = {"technology": args.technology, "clock": args.clock, "baud": args.baud}
    with console.progress() as progress:
        progress("elaborating", 0, 0)
        made = elaborate(aim, config, **asked)
    # What can be refused early has been.
    console.say(f"{aim.title}, {config} engine: {_expected(aim, config)}")
    with console.progress() as progress:
        watch = _Watch(progress)
        netlist = synthesize(aim, made, watch)
        if args.seed is not None:
            return place(netlist, args.seed, watch)
        placed = []
        for seed in range(1, _SEEDS + 1):
            placed.append(place(netlist, seed, watch))
            if placed[-1].met:
                return placed[-1]
        return max(placed, key=lambda each: each.fmax_mhz)


class _Watch:
    """Hands on to a `Progress` what the tools do; in a log only now and then."""

    def __init__(self, progress: Progress):
        self.progress, self.stage, self.when = progress, "", 0.0
        self.every = _TERMINAL_SECONDS if sys.stderr.isatty() else _LOG_SECONDS

    def __call__(self, stage: str, seconds: float, line: str) -> None:
        if stage != self.stage or seconds - self.when >= self.every:
            self.stage, self.when = stage, seconds
            self.progress(f"{stage}, {seconds:.0f} s  {line[:60]}" if seconds else stage, 0, 0)


def _list(console: Console) -> int:
    rows = [
        (each.name, each.title, f"{each.clock_mhz:g} MHz", str(each.engine()), each.family)
        for each in BOARDS.values()
    ]
    columns(console, ("BOARD", "what it is", ">clock", ">engine", "family"), rows)
    console.write_json(
        {
            "boards": [
                {
                    "name": each.name,
                    "title": each.title,
                    "family": each.family,
                    "clock_mhz": each.clock_mhz,
                    "engine": each.engine().to_dict(),
                }
                for each in BOARDS.values()
            ]
        }
    )
    return 0


def _speed(placed: "Placed", config: "Config") -> "Check":
    """At the clock that there will be; at what was reached when that is less."""
    from celosia.flow.speed import mnist_mlp

    return mnist_mlp(config, placed.netlist.design.clock if placed.met else placed.fmax_mhz)


def _show(placed: "Placed", config: "Config", bitstream: Path, console: Console) -> None:
    netlist, design = placed.netlist, placed.netlist.design
    title = f"{netlist.board.title}: {config} engine of {design.technology} cells"
    heading(console, f"{title}, seed {placed.seed}")
    used, available = netlist.counts.used, netlist.counts.available
    rows = [
        (
            f"{text} ({netlist.board.resources.multiplier})" if name == "multipliers" else text,
            f"{used[name]:,}",
            f"{available[name]:,}",
            share_bar(console, used[name] / available[name]),
            f"{used[name] / available[name]:.0%}",
        )
        for name, text in _CELLS.items()
        if available[name]
    ]
    columns(console, ("", ">used", ">available", "", ">"), rows)
    console.say()
    columns(console, (), _facts(placed, config, bitstream))


def _facts(placed: "Placed", config: "Config", bitstream: Path) -> Iterator[tuple[str, str | Text]]:
    design, speed = placed.netlist.design, _speed(placed, config)
    clock = f"{design.clock:g} MHz asked for, {placed.fmax_mhz:.2f} MHz reached"
    yield "clock", Text(clock, "green" if placed.met else "bold red")
    macs = config.multipliers * speed.mhz
    yield "multiply-accumulates", f"{macs:,.0f} million/s by {config.multipliers} multipliers"
    if speed.status:
        short = [use for use in speed.memories if not use.fits]
        names = ", ".join(f"{use.name} {use.needed:,} of {use.available:,}" for use in short)
        yield f"MNIST MLP {speed.outline.name}", f"does not fit ({names})"
    else:
        assert speed.latency_seconds is not None  # of a model that fits
        rate, alone = speed.images_per_second, speed.latency_seconds * 1e6
        text = f"{rate:,.0f} images/s, {alone:,.0f} us for one alone; no zero skipped, without link"
        yield f"MNIST MLP {speed.outline.name}", text
    if not placed.met:
        return
    yield "bitstream", f"{bitstream}, {bitstream.stat().st_size:,} bytes"
    yield "program the board", f"{_PROGRAM[placed.netlist.board.name]} {bitstream}"
    board = placed.netlist.board
    named = board.name if config == board.engine() else bitstream.with_suffix(".json")
    yield "compile for it", f"celosia compile MODEL --board {named} -o FILE"
    yield "and use it", f"celosia run MODEL --input FILE --port auto --baud {design.baud}"


def _document(placed: "Placed", config: "Config", bitstream: Path) -> dict:
    netlist, speed = placed.netlist, _speed(placed, config)
    fits = not speed.status
    return {
        "board": netlist.board.name,
        "engine": config.to_dict(),
        "technology": netlist.design.technology,
        "options": netlist.options,
        "tools": placed.tools,
        "seed": placed.seed,
        "clock_mhz": netlist.design.clock,
        "fmax_mhz": placed.fmax_mhz,
        "met": placed.met,
        "baud": netlist.design.baud,
        "used": dict(netlist.counts.used),
        "available": dict(netlist.counts.available),
        "speed_mhz": speed.mhz,
        "macs_per_second": config.multipliers * speed.mhz * 1e6,
        "mnist_mlp": {
            "fits": fits,
            "images_per_second": speed.images_per_second if fits else None,
            "latency_seconds": speed.latency_seconds if fits else None,
        },
        "bitstream": str(bitstream) if placed.met else None,
    }
