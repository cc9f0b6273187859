"""Elaboration: a board and an engine to Verilog with Amaranth, errors as `CelosiaError`."""

import threading
from typing import TYPE_CHECKING

from celosia.boards import Board
from celosia.spec import Config
from celosia.support.errors import CelosiaError

from .tools import INSTALL

if TYPE_CHECKING:
    from celosia_hw.boards.design import Design

__all__ = ["elaborate"]

#: Amaranth has global state.
_ONE_AT_A_TIME = threading.Lock()


def elaborate(
    board: Board,
    config: Config,
    *,
    technology: str | None = None,
    clock: float | None = None,
    baud: int | None = None,
) -> "Design":
    """Elaborate the top level of ``board`` with an engine ``config``.

    Parameters
    ----------
    technology : name of the cells; None for that of the board's family.
    clock : MHz; None for the default of the board.
    baud : bits per second of the serial line; None for that of the board, or the next lower one of
        which the clock is a multiple.

    Raises
    ------
    CelosiaError : Amaranth or amaranth-boards is not installed; the clock, the baud rate or the
        technology is not possible on this board.
    """
    try:
        from celosia_hw.boards.design import design
        from celosia_hw.boards.pll import NoPll
        from celosia_hw.boards.top import BadDivisor
    except ModuleNotFoundError as error:
        raise CelosiaError(f"building needs {error.name}", todo=INSTALL) from error
    try:
        with _ONE_AT_A_TIME:
            return design(
                board.name,
                config,
                technology=technology,
                clock=board.clock_mhz if clock is None else clock,
                baud=baud or board.baud,
                exact_baud=baud is not None,
            )
    except ModuleNotFoundError as error:
        raise CelosiaError(f"building needs {error.name}", todo=INSTALL) from error
    except NoPll as error:
        raise CelosiaError(str(error), where="--clock", todo="choose another clock") from error
    except BadDivisor as error:
        raise CelosiaError(str(error), where="--baud") from error
    except ValueError as error:
        raise CelosiaError(str(error), where="--technology", todo="choose another") from error
