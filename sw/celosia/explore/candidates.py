"""Candidates of the sweep: for each board and shape an engine whose memories hold the model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd

from celosia.boards import Board, Placement
from celosia.spec import Config
from celosia.spec.maps import ADDRESS_BITS
from celosia.support.errors import CelosiaError, DoesNotFit

from .demand import Demand, Short, demand, shortages
from .needs import Needs

__all__ = ["COLS", "ROWS", "Candidate", "candidates"]

#: Default rows and columns of the sweep.
ROWS = (1, 2, 4, 8, 16)
COLS = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Candidate:
    """An engine of ``rows`` x ``cols`` on a board.

    Parameters
    ----------
    board : the board.
    rows, cols : shape of the array.
    config : engine whose memories hold the model; None when no engine of this shape can.
    placement : result of place and route for exactly this engine and board; None if there is none.
    demand : counted cells that the engine needs; None without ``config``.
    short : resources of which the board has too few; empty when it fits or was placed.
    almost : why placed engines of the same shape do not count, as text; "" if there are none.
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
        """Whether the engine holds the model and the board has the counted resources."""
        return not self.short


def candidates(
    needs: Needs,
    board: Board,
    rows: Sequence[int] | None,
    cols: Sequence[int] | None,
    placements: Iterable[Placement],
) -> list[Candidate]:
    """Candidates of every shape on one board, small ones first.

    A placed engine that holds the model is a candidate unchanged. A shape without one has the
    board's default engine with other rows and columns, the operations that the model needs, and
    memories exactly as deep as it needs: it fits if any engine of the shape does.

    Parameters
    ----------
    needs : of the model.
    rows, cols : of the sweep; None for the default ones and those of placed engines.
    placements : those of other boards are ignored.

    Raises
    ------
    CelosiaError : rows or columns are out of range.
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
        ready = [each for each in ours if not _lacking(needs, each.engine)]
        found += [
            Candidate(board, *shape, each.engine, each, demand(board, each.engine), ())
            for each in ready
        ] or [replace(_derived(needs, board, *shape), almost=_almost(needs, ours))]
    return found


def _lacking(needs: Needs, config: Config) -> list[str]:
    """What ``config`` lacks, operations or words of memories, as text."""
    if missing := needs.lacks(config):
        return [f"{name} {getattr(config, name)} < {wanted}" for name, wanted in missing.items()]
    try:
        depths = needs.depths(config)
    except DoesNotFit as error:
        return [error.what]
    return [
        f"{name} {getattr(config, name):,} < {depth:,}"
        for name, depth in depths.items()
        if depth > getattr(config, name)
    ]


def _almost(needs: Needs, placed: list[Placement]) -> str:
    """Why none of these engines holds the model: the shortages of the one with the fewest."""
    lacking = [_lacking(needs, each.engine) for each in placed]
    fewest = min(lacking, key=len, default=[])
    return f"placed with {', '.join(fewest)}" if lacking else ""


def _derived(needs: Needs, board: Board, rows: int, cols: int) -> Candidate:
    own = board.engine()
    lanes = gcd(own.lanes, cols)
    changes = {
        "rows": rows,
        "cols": cols,
        "lanes": lanes,
        "requantizers": gcd(own.requantizers, lanes),
    }
    if needs.operations:
        # As deep as addresses reach; the depth that is needed replaces it.
        changes["act_depth"] = (1 << ADDRESS_BITS) // board.engine(**changes).slots
        changes |= needs.operations
    try:
        depths = needs.depths(board.engine(**changes))
    except DoesNotFit:
        # Numbers of a map's words have that many bits.
        most = 1 << ADDRESS_BITS
        numbers = Short("words of a map in all rows, at least", most + 1, most)
        return Candidate(board, rows, cols, None, None, None, (numbers,))
    beyond = tuple(
        Short(name, depth, None)
        for name, depth in depths.items()
        if not _exists(board, changes | {name: depth})
    )
    if beyond:
        return Candidate(board, rows, cols, None, None, None, beyond)
    config = board.engine(**changes | depths)
    needed = demand(board, config)
    short = tuple(shortages(board, needed))
    return Candidate(board, rows, cols, config, None, needed, short)


def _exists(board: Board, changes: dict[str, int]) -> bool:
    try:
        board.engine(**changes)
    except ValueError:
        return False
    return True
