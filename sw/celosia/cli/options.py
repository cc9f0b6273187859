"""Options that several commands share, and what is made of them."""

import argparse
import dataclasses
import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celosia.spec.serial import BAUD
from celosia.support.errors import CelosiaError
from celosia.support.files import read, require_writable

if TYPE_CHECKING:
    from celosia.numerics.runtime import Runtime
    from celosia.spec import Config

__all__ = [
    "add_data",
    "add_engine",
    "add_json",
    "add_maps",
    "add_output",
    "add_reference",
    "add_rtl",
    "add_run",
    "asks_engine",
    "board_baud",
    "board_config",
    "check_batch",
    "check_outputs",
    "check_reference",
    "check_run",
    "config",
    "maps",
    "nearest",
    "overrides",
    "reference",
    "rtl_form",
    "transport_name",
]

_ENGINE = {
    "rows": "images in flight",
    "cols": "output channels computed at once",
    "lanes": "channels in an activation word",
    "link-bytes": "width of the host link",
    "weight-depth": "weight memory, in words of COLS bytes",
    "param-depth": "parameter memory, in words of REQUANTIZERS channels",
    "program-depth": "program memory, in layers",
    "act-depth": "activation memory of each row, in words of LANES bytes",
    "tables": "element tables",
    "requantizers": "channels requantized per cycle",
    "counter-bits": "width of the performance counters",
    "requantizer-cycles": "cycles between two uses of a requantizer, 1 or 27",
    "convolution": "1 for layers on maps too, 0 for dense layers only",
    "depthwise": "1 for depthwise convolution, pooling and addition too",
    "checksum": "1 for checksums of the memories, which show flipped bits; 0 for a smaller engine",
}


def add_engine(parser: argparse.ArgumentParser, of_board: bool = False) -> None:
    """The engine's configuration; `config` reads it, or `overrides` that of a board's engine."""
    group = parser.add_argument_group("engine")
    if not of_board:
        group.add_argument(
            "--board", metavar="BOARD",
            help="the engine that `celosia build BOARD` builds, or that of a .json file which "
            "`build` or `verilog` wrote; the options below change it (none)",
        )  # fmt: skip
    for name, text in _ENGINE.items():
        default = "16" if name in ("rows", "cols") else "chosen to suit"
        text = f"{text} ({'as the board has it' if of_board else default})"
        group.add_argument(f"--{name}", type=int, metavar="N", help=text)


def add_maps(parser: argparse.ArgumentParser) -> None:
    """How a model is compiled for an engine with convolution; `maps` reads it."""
    group = parser.add_argument_group("compiler")
    group.add_argument(
        "--for", dest="goal", choices=("throughput", "latency"), default="throughput",
        help="what is to be least, time per image of many images or of one image: each row has an "
        "image of its own, or all rows share one (throughput)",
    )  # fmt: skip
    group.add_argument(
        "--no-fold", action="store_true",
        help="keep channels that no input can change; same results, more cycles",
    )  # fmt: skip


def maps(args: argparse.Namespace) -> dict[str, Any]:
    """The parameters of `celosia.compile` that the options of `add_maps` give."""
    return {"goal": args.goal, "fold": not args.no_fold}


def add_reference(parser: argparse.ArgumentParser) -> None:
    """Whose bytes a model gives; `reference` reads it."""
    parser.add_argument(
        "--reference", choices=("litert", "tflm"),
        help="whose bytes a .tflite or float model gives: LiteRT's reference kernels, or TFLite "
        "Micro's, which microcontrollers run (litert, or as the program image was compiled)",
    )  # fmt: skip


def reference(args: argparse.Namespace) -> "Runtime | None":
    """What the option of `add_reference` asks for; None when it was left out."""
    from celosia.numerics.runtime import Runtime

    return None if args.reference is None else Runtime(args.reference)


def check_reference(asked: "Runtime | None", own: "Runtime", where: str) -> None:
    """Refuse another reference than ``own``, that of the program image at the path ``where``."""
    if asked not in (None, own):
        raise CelosiaError(
            f"was compiled with --reference {own}",
            where=where,
            todo=f"compile its model again with --reference {asked}",
        )


def config(args: argparse.Namespace) -> "Config":
    """The `Config` that the options of `add_engine` ask for.

    Raises
    ------
    CelosiaError : there is no such engine or board.
    """
    from celosia.spec import Config

    asked = overrides(args)
    base = None if args.board is None else board_config(args.board)
    try:
        return Config(**base.to_dict() | asked) if base else Config.default(**asked)
    except (ValueError, ZeroDivisionError) as error:
        raise CelosiaError(str(error), where="engine", todo="choose another value") from error


def asks_engine(args: argparse.Namespace) -> bool:
    """Whether any of the options of `add_engine` was given."""
    return args.board is not None or bool(overrides(args))


def board_config(named: str) -> "Config":
    """The engine of a board of the catalog, or that in a .json file of `build` or `verilog`.

    Raises
    ------
    CelosiaError : there is no such board, or the file has no configuration.
    """
    from celosia.boards import BOARDS
    from celosia.spec import Config

    if named in BOARDS:
        return BOARDS[named].engine()
    if not named.endswith(".json"):
        raise CelosiaError(
            f"unknown board {named!r}{nearest(named, BOARDS)}",
            where="--board",
            todo=f"known: {', '.join(BOARDS)}, or a .json file that `celosia build` wrote",
        )
    try:
        document = json.loads(read(named))
        return Config.from_dict(document["config"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CelosiaError(
            "has no configuration of an engine",
            where=named,
            todo="name the .json file that `celosia build` or `celosia verilog` wrote",
        ) from error


def board_baud(named: str) -> int:
    """Bits per second of the board or file that `board_config` takes."""
    from celosia.boards import BOARDS

    if named in BOARDS:
        return BOARDS[named].baud
    baud = json.loads(read(named)).get("baud")
    return baud if isinstance(baud, int) and baud > 0 else BAUD


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` when one of ``known`` is much like ``word``, else nothing."""
    found = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def overrides(args: argparse.Namespace) -> dict[str, int]:
    """Those of the options of `add_engine` that were given, by name."""
    from celosia.spec import Config

    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(Config)}
    return {name: value for name, value in values.items() if value is not None}


def add_run(parser: argparse.ArgumentParser, transport: str) -> None:
    """How images are run."""
    group = parser.add_argument_group("run")
    group.add_argument(
        "--transport", choices=("golden", "rtl"), default=transport,
        help="golden: the NumPy model; rtl: the compiled simulation of the engine's Verilog "
        f"({transport})",
    )  # fmt: skip
    add_rtl(group, "fast")
    group.add_argument(
        "--port", metavar="PORT",
        help="the board at this serial port instead; auto: the one at which an engine answers. A "
        "model is compiled for the engine that it has",
    )  # fmt: skip
    group.add_argument(
        "--baud", type=int, metavar="N", help="bits per second of PORT (found by trying)"
    )
    group.add_argument("--batch", type=int, metavar="N", help="images computed together (all rows)")
    group.add_argument(
        "--no-skip", action="store_true", help="multiply zero bytes too; same results, more cycles"
    )
    group.add_argument("--jobs", type=int, default=1, metavar="N", help="engines side by side (1)")
    group.add_argument(
        "--dask", metavar="ADDRESS",
        help="spread the images over the workers of this Dask scheduler, such as tcp://host:8786",
    )  # fmt: skip


def add_rtl(parser: "argparse._ActionsContainer", default: str) -> None:
    """Which form of the engine is simulated; `rtl_form` reads it."""
    parser.add_argument(
        "--rtl", choices=("fast", "placed"), default=default,
        help="the Verilog that --transport rtl simulates: fast, of cells made for simulation, or "
        f"placed, as `celosia verilog` writes it; both take the same cycles ({default})",
    )  # fmt: skip


def rtl_form(args: argparse.Namespace) -> str | None:
    """The form of the RTL that was simulated; None on other transports."""
    return args.rtl if args.transport == "rtl" else None


def transport_name(args: argparse.Namespace) -> str:
    """The transport for people, such as "golden" or "rtl (placed)"."""
    return f"rtl ({args.rtl})" if args.transport == "rtl" else args.transport


def check_run(args: argparse.Namespace) -> None:
    """Refuse what `add_run` cannot have made sense of on this machine, at once.

    A port makes the transport "serial".

    Raises
    ------
    CelosiaError : jobs or baud out of range, --dask beside what it excludes, or no tools to
        simulate with.
    """
    if args.jobs < 1:
        raise CelosiaError(f"{args.jobs} is not at least 1", where="--jobs")
    if args.dask is not None:
        _check_dask(args)
    if args.port is not None:
        args.transport = "serial"
        if args.jobs > 1:
            raise CelosiaError("a board is one engine", where="--jobs", todo="leave it out")
    if args.baud is not None and (args.port is None or args.baud < 1):
        what = f"{args.baud} is not at least 1" if args.port else "there is no --port"
        raise CelosiaError(what, where="--baud")
    if args.transport == "rtl" and args.dask is None:  # else the workers need the tools
        from celosia.driver.rtl.toolchain import find_toolchain

        find_toolchain()


def _check_dask(args: argparse.Namespace) -> None:
    from celosia.support.cluster import require_dask

    for option in ("--jobs", "--port"):
        if getattr(args, option[2:]) not in (None, 1):
            raise CelosiaError(f"excludes {option}", where="--dask", todo="leave one of them out")
    require_dask()


def check_batch(args: argparse.Namespace, most: int) -> None:
    """Refuse a batch of more than ``most`` images, those that are computed together."""
    if args.batch is not None and not 1 <= args.batch <= most:
        raise CelosiaError(
            f"{args.batch} is outside 1..{most}, the images computed together", where="--batch"
        )


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="FOLDER",
        help="folder with MNIST's four IDX files, or data in that format ($CELOSIA_DATA, else the "
        "cache, else a download, else scikit-learn's small digits)",
    )  # fmt: skip


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures as JSON; - for stdout and nothing else"
    )


def add_output(parser: argparse.ArgumentParser, what: str, required: bool = True) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", required=required, help=what)


def check_outputs(*paths: str | None) -> None:
    """Refuse outputs that cannot be written: before long work, not after it.

    Raises
    ------
    CelosiaError : a path is a folder, or no file can be written next to it.
    """
    for path in paths:
        if not path or path == "-":
            continue
        if Path(path).is_dir():
            raise CelosiaError(
                "cannot write: this is a folder", where=path, todo="give the name of a file"
            )
        if Path(path).exists() and not Path(path).is_file():
            continue  # a device or pipe
        require_writable(Path(path).absolute().parent)
