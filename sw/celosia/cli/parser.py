"""The arguments of all commands."""

import argparse
import sys
from typing import NoReturn

import celosia
from celosia.support.errors import CelosiaError

from . import (
    board,
    build,
    check,
    compile,
    completion,
    diff,
    example,
    explore,
    info,
    mnist,
    quantize,
    run,
    train,
    verilog,
)
from .options import nearest

__all__ = ["make_parser", "parse"]

_COMMANDS = (
    *(mnist, example, train, quantize, check, explore, compile, run, diff),
    *(verilog, build, board, info, completion),
)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error of Celosia."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.partition(" ")[2]
        raise CelosiaError(message, where=command, todo=f"see {self.prog} --help")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """``argv`` parsed; ``run`` of the result is the command's function of it.

    Raises
    ------
    CelosiaError : no such command, or an argument that makes no sense.
    SystemExit : --help or --version, already printed.
    """
    names = [module.__name__.rpartition(".")[2] for module in _COMMANDS]
    argv = _checked(sys.argv[1:] if argv is None else argv, names)
    return make_parser().parse_args(argv)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(prog="celosia", description=_first_line(celosia.__doc__))
    parser.add_argument("--version", action="version", version=f"celosia {celosia.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for module in _COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = _first_line(module.__doc__)
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        command.add_argument("-q", "--quiet", action="store_true", help="say only what is asked")
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _checked(argv: list[str], names: list[str]) -> list[str]:
    """``argv`` with ``help [COMMAND]`` as ``[COMMAND] --help``.

    Raises
    ------
    CelosiaError : its first word is no command; one that is much like it is named.
    """
    if argv and argv[0] == "help":
        argv = [*argv[1:2], "--help"]
    if argv and not argv[0].startswith("-") and argv[0] not in names:
        raise CelosiaError(
            f"no command {argv[0]!r}{nearest(argv[0], names)}",
            todo=f"commands: {', '.join(names)}; see celosia help",
        )
    return argv


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]
