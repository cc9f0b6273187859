"""Print a script with which a shell completes commands, options, files and names of boards."""

import argparse
from importlib.util import find_spec

from celosia.support.errors import CelosiaError

__all__ = ["add_arguments", "run"]

_SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=_SHELLS, help="for example: celosia completion bash")


def run(args: argparse.Namespace) -> int:
    if find_spec("shtab") is None:
        raise CelosiaError(
            "this needs shtab", where="completion", todo="install it with: pip install shtab"
        )
    import shtab

    from .parser import make_parser

    parser = make_parser()
    _describe(parser)
    print(shtab.complete(parser, shell=args.shell))
    return 0


def _describe(parser: argparse.ArgumentParser) -> None:
    """Say of each argument of ``parser`` what completes it; it is not used to parse afterwards."""
    import shtab

    from celosia.boards import BOARDS

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _describe(command)
        elif action.metavar == "BOARD":
            action.choices = list(BOARDS)
        elif action.metavar == "FOLDER":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar == "FILE" or action.dest in ("model", "image"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
