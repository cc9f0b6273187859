"""Write an engine's Verilog."""

import argparse
import json
import os
from pathlib import Path

import celosia
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from . import options
from .console import Console

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_engine(parser)
    parser.add_argument(
        "--axi", action="store_true",
        help="with AXI4-Stream and AXI4-Lite pins (docs/integration.md): top module celosia_axi",
    )  # fmt: skip
    options.add_output(parser, "file.v, or a folder for TOP.v; a .json of its configuration "
                       "goes next to it")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from celosia.driver.rtl.source import engine_verilog

    config, path = options.config(args), Path(args.output)
    top = "celosia_axi" if args.axi else "celosia"
    if path.suffix != ".v":
        path = path / f"{top}.v"
    if path.parent.exists() and not path.parent.is_dir():
        raise CelosiaError("is a file, not a folder", where=str(path.parent), todo="end it in .v")
    options.check_outputs(os.fspath(path))
    console = Console(args.quiet)
    with console.progress() as progress:
        text = engine_verilog(config, progress, axi=args.axi)
    document = {"celosia": celosia.__version__, "top": top, "config": config.to_dict()}
    atomic_write(path, text.encode())
    atomic_write(path.with_suffix(".json"), json.dumps(document, indent=2).encode() + b"\n")
    console.say(f"{path}: {config} engine, {text.count(chr(10)):,} lines")
    return 0
