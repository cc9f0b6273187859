"""The engines that are looked at: of every board, every shape, with memories for the model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd

from celosia.boards import Board, Placement
from celosia.compiler import needs
from celosia.network.outline import Outline
from celosia.spec import Config
from celosia.support.errors import CelosiaError

from .demand import Demand, Short, demand, shortages

__all__ = ["COLS", "ROWS", "Candidate", "candidates"]

#: The sweep when nothing else is asked for.
ROWS = (1, 2, 4, 8, 16)
COLS = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Candidate:
    """An engine of ``rows`` x ``cols`` on a board.

    Parameters
    ----------
    config : with memories that hold the model; None when no engine of this shape has such.
    placement : of exactly this engine on this board, if it was placed.
    demand : what it takes, counted; None without ``config``.
    short : what the board has too little of; nothing when it is all there, or was placed.
    almost : of an engine of the same shape that was placed, what keeps it from being this one.
    """

    board: Board
    rows: int
    cols: int
    config: Config | None
    placement: Placement | None
    demand: Demand | None
    short: tuple[Short, ...]
    almost: str = ""

    @property
    def fits(self) -> bool:
        return not self.short


def candidates(
    outline: Outline,
    board: Board,
    rows: Sequence[int] | None,
    cols: Sequence[int] | None,
    placements: Iterable[Placement],
) -> list[Candidate]:
    """Every shape on one board, small ones first.

    An engine that was placed stands for its shape as it is, if it holds the model. Otherwise the
    engine is the board's own with memories exactly as deep as the model needs, so that it fits if
    any engine of the shape does.

    Parameters
    ----------
    rows, cols : of the sweep; None for the usual ones and those that were placed.
    placements : of this board; others are passed over.

    Raises
    ------
    CelosiaError : there are no engines of such rows or columns.
    """
    placed = [each for each in placements if each.board == board.name]
    shapes = set(product(ROWS if rows is None else rows, COLS if cols is None else cols))
    for shape in shapes:
        try:
            Config.default(*shape)
        except ValueError as error:
            raise CelosiaError(str(error), where="sweep", todo="choose another value") from error
    for each in placed:
        engine = each.engine
        if (rows is None or engine.rows in rows) and (cols is None or engine.cols in cols):
            shapes.add((engine.rows, engine.cols))
    found = []
    for shape in sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape)):
        ours = [each for each in placed if (each.engine.rows, each.engine.cols) == shape]
        ready = [each for each in ours if _holds(outline, each.engine)]
        found += [
            Candidate(board, *shape, each.engine, each, demand(board, each.engine), ())
            for each in ready
        ] or [replace(_derived(outline, board, *shape), almost=_almost(outline, ours))]
    return found


def _holds(outline: Outline, config: Config) -> bool:
    return not _lacking(outline, config)


def _lacking(outline: Outline, config: Config) -> list[str]:
    """What memories of ``config`` are too small for."""
    return [
        f"{name} {getattr(config, name):,} < {depth:,}"
        for name, depth in needs(outline, config).items()
        if depth > getattr(config, name)
    ]


def _almost(outline: Outline, placed: list[Placement]) -> str:
    """Why none of these engines holds the model: what the one lacks that lacks the least."""
    lacking = [_lacking(outline, each.engine) for each in placed]
    return f"placed with {', '.join(min(lacking, key=len))}" if lacking else ""


def _derived(outline: Outline, board: Board, rows: int, cols: int) -> Candidate:
    own = board.engine()
    lanes = gcd(own.lanes, cols)
    shape = {
        "rows": rows,
        "cols": cols,
        "lanes": lanes,
        "requantizers": gcd(own.requantizers, lanes),
    }
    depths = needs(outline, board.engine(**shape))
    beyond = tuple(
        Short(name, depth, None)
        for name, depth in depths.items()
        if not _exists(board, name, depth)
    )
    if beyond:
        return Candidate(board, rows, cols, None, None, None, beyond)
    config = board.engine(**shape, **depths)
    needed = demand(board, config)
    short = tuple(shortages(board, needed))
    return Candidate(board, rows, cols, config, None, needed, short)


def _exists(board: Board, memory: str, depth: int) -> bool:
    try:
        board.engine(**{memory: depth})
    except ValueError:
        return False
    return True
