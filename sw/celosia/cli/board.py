"""Simulate a board: a pseudo-terminal that `celosia run --port` talks to."""

import argparse
import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from celosia.support.errors import CelosiaError

from . import options
from .console import Console

if TYPE_CHECKING:
    from celosia.simulated import RtlDevice
    from celosia.simulated.model import ModelDevice
    from celosia.spec import Config

__all__ = ["add_arguments", "run"]

#: Seconds between two looks at whether the simulation still runs.
_LOOK = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--simulate", metavar="BOARD", required=True,
        help="board whose engine is simulated, or a .json file that `build` or `verilog` wrote",
    )  # fmt: skip
    parser.add_argument(
        "--transport", choices=("golden", "rtl"), default="rtl",
        help="rtl: the compiled simulation of the engine's Verilog behind its serial pins, without "
        "the board's clock and cells; golden: the NumPy model, which starts at once (rtl)",
    )  # fmt: skip
    parser.add_argument(
        "--baud", type=int, metavar="N",
        help="bits per second that the board understands (the board's own)",
    )  # fmt: skip
    parser.add_argument(
        "--faults", type=float, default=0.0, metavar="P",
        help="probability that a byte is dropped, doubled, flipped or followed by another, in "
        "either direction (0)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the faults (1)")
    options.add_engine(parser, of_board=True)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0: after Ctrl-C or SIGTERM, which end it."""
    from celosia.driver.serial.announced import announced
    from celosia.simulated import Faults, SerialBoard

    options.check_outputs(args.json)
    if not 0 <= args.faults < 1:
        raise CelosiaError(f"{args.faults:g} is not a probability in 0 <= P < 1", where="--faults")
    if args.baud is not None and args.baud < 1:
        raise CelosiaError(f"{args.baud} is not at least 1", where="--baud")
    console = Console(args.quiet, args.json)
    args.board = args.simulate
    config = options.config(args)
    baud = args.baud or options.board_baud(args.simulate)
    faults = Faults(args.faults, args.seed), Faults(args.faults, args.seed + 1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        device = _device(args.transport, config, console)
        with SerialBoard(device, *faults, baud) as board, announced(board.port):
            what = "golden model" if args.transport == "golden" else "RTL"
            console.say(f"{board.port}: {what} of the {config} engine of {args.simulate}")
            console.say(f"use it:  celosia run MODEL --input FILE --port {board.port}")
            console.say("or with: --port auto. Ctrl-C ends it.")
            console.write_json(
                {
                    "port": board.port,
                    "transport": args.transport,
                    "engine": config.to_dict(),
                    "baud": baud,
                    "faults": args.faults,
                    "seed": args.seed,
                }
            )
            with contextlib.suppress(KeyboardInterrupt):
                while board.alive:
                    threading.Event().wait(_LOOK)
            if board.error is not None:
                raise CelosiaError(f"the simulation failed: {board.error}", where=board.port)
            received, sent = board.crossed
            console.say(f"{received:,} bytes came from the host, {sent:,} went to it")
            for text, each in zip(("to the board", "to the host"), faults, strict=True):
                if not args.faults:
                    break
                made = ", ".join(f"{count:,} {kind}" for kind, count in sorted(each.made.items()))
                console.say(f"faults {text}: {made or 'none'} (seed {each.seed})")
    return 0


def _device(transport: str, config: "Config", console: Console) -> "ModelDevice | RtlDevice":
    from celosia.simulated import ModelDevice, RtlDevice

    if transport == "golden":
        return ModelDevice(config)
    from celosia.driver.rtl.toolchain import find_toolchain
    from celosia.simulated.rtl import engine_board

    find_toolchain()
    with console.progress() as progress:
        return RtlDevice(engine_board(config, progress, "simulation"), progress)
