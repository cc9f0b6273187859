"""Write an engine's Verilog, and with a model a testbench for it."""

import argparse
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import celosia
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from . import options
from .console import Console
from .files import load_array, load_model

if TYPE_CHECKING:
    import numpy as np

    from celosia.compiler.image import Image

__all__ = ["add_arguments", "run"]

_SEED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_engine(parser)
    parser.add_argument(
        "--axi", action="store_true",
        help="with AXI4-Stream and AXI4-Lite pins (docs/integration.md): top module celosia_axi",
    )  # fmt: skip
    parser.add_argument(
        "--name", metavar="NAME",
        help="name of the top module, and prefix of all others: engines of different names can be "
        "in one design (celosia, or celosia_axi)",
    )  # fmt: skip
    parser.add_argument(
        "--model", metavar="FILE", help="program image .celosia, for its engine, and --testbench"
    )
    parser.add_argument(
        "--testbench", action="store_true",
        help="a Verilog testbench next to it that loads the model, runs inputs, checks all bytes",
    )  # fmt: skip
    parser.add_argument(
        "--input", metavar="FILE", help="the testbench's inputs [n, ...], .npy (one random input)"
    )
    options.add_output(parser, "file.v, or a folder for TOP.v; a .json of its configuration "
                       "goes next to it")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from celosia.driver.rtl.source import engine_verilog

    image = _image(args)
    config, path = image.config if image else options.config(args), Path(args.output)
    top = "celosia_axi" if args.axi else "celosia"
    name = args.name or top
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise CelosiaError(
            f"{name!r} is not a Verilog name",
            where="--name",
            todo="begin with a letter or _, and use only these and digits",
        )
    if path.suffix != ".v":
        path = path / f"{name}.v"
    if path.parent.exists() and not path.parent.is_dir():
        raise CelosiaError("is a file, not a folder", where=str(path.parent), todo="end it in .v")
    options.check_outputs(os.fspath(path))
    x = _inputs(args, image) if image and args.testbench else None
    console = Console(args.quiet)
    with console.progress() as progress:
        text = engine_verilog(config, progress, axi=args.axi)
    from celosia_hw.readable import header, readable

    text = header(name, celosia.__version__, config.to_dict(), args.axi) + readable(text, top, name)
    document = {"celosia": celosia.__version__, "top": name, "config": config.to_dict()}
    atomic_write(path, text.encode())
    atomic_write(path.with_suffix(".json"), json.dumps(document, indent=2).encode() + b"\n")
    console.say(f"{path}: {config} engine, {text.count(chr(10)):,} lines")
    if image and x is not None:
        from celosia.testbench import record, testbench

        for file, content in testbench(record(image, x), name).items():
            atomic_write(path.parent / file, content.encode())
            console.say(f"{path.parent / file}")
        console.say(f"run it:  cd {path.parent} && iverilog -g2005 -o {name}_tb {name}_tb.v "
                    f"{path.name} && ./{name}_tb")  # fmt: skip
    return 0


def _image(args: argparse.Namespace) -> "Image | None":
    """The program image of ``--model``; None without.

    Raises
    ------
    CelosiaError : options that contradict each other, or another kind of file.
    """
    from celosia.compiler.image import Image

    if args.model is None:
        for option in ("testbench", "input"):
            if getattr(args, option):
                raise CelosiaError("there is no --model", where=f"--{option}")
        return None
    if options.asks_engine(args):
        raise CelosiaError("has an engine of its own", where=args.model, todo="leave out the shape")
    if args.testbench and args.axi:
        raise CelosiaError("there is none for --axi", where="--testbench", todo="leave out --axi")
    if args.input and not args.testbench:
        raise CelosiaError("there is no --testbench", where="--input")
    image = load_model(args.model)
    if not isinstance(image, Image):
        raise CelosiaError("is not a program image", where=args.model, todo="compile it first")
    return image


def _inputs(args: argparse.Namespace, image: "Image") -> "np.ndarray":
    """int8 [n, K] of ``--input``; without, one input drawn with a fixed seed."""
    import numpy as np

    from celosia.driver.inputs import prepare

    if not args.input:
        rng = np.random.default_rng(_SEED)
        return rng.integers(-128, 128, (1, image.model.inputs)).astype(np.int8)
    return prepare(image, load_array(args.input), args.input)
