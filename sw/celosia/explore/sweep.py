"""The sweep: candidates on every board, their cycles and clocks, and the Pareto front."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from celosia.boards import BOARDS, Board, Fact, Placement
from celosia.network.outline import Outline
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from .candidates import candidates
from .clocks import estimated, measured
from .needs import Needs
from .point import Point, front
from .predict import predict

__all__ = ["Exploration", "explore", "port_limit"]


@dataclass(frozen=True, eq=False)
class Exploration:
    """Result of a sweep.

    Parameters
    ----------
    outline : of the model.
    boards : all boards of the sweep.
    points : all points, board by board; empty when the model has unsupported operations.
    """

    outline: Outline
    boards: tuple[Board, ...]
    points: tuple[Point, ...]

    @cached_property
    def front(self) -> list[Point]:
        """See `celosia.explore.front`."""
        return front(self.points)

    @property
    def fitting(self) -> list[Point]:
        return [point for point in self.points if point.candidate.fits]

    def of(self, board: Board) -> list[Point]:
        """Points of one board, small engines first."""
        return [point for point in self.points if point.board is board]

    def to_dict(self) -> dict:
        """All values, as for JSON."""
        best = {id(point) for point in self.front}
        return {
            "model": self.outline.name,
            "kind": self.outline.kind,
            "macs": self.outline.macs,
            "unsupported": [
                {"name": op.name, "kind": op.kind, "why": op.why} for op in self.outline.unsupported
            ],
            "boards": [
                {
                    "name": board.name,
                    "title": board.title,
                    "family": board.family,
                    "resources": asdict(board.resources),
                    "price": _fact(board.price),
                    "power": _fact(board.power),
                    "port_images_per_second": port_limit(board, self.outline),
                }
                for board in self.boards
            ],
            "points": [point.to_dict() | {"front": id(point) in best} for point in self.points],
        }


def explore(
    outline: Outline,
    *,
    boards: Iterable[Board] | None = None,
    rows: Sequence[int] | None = None,
    cols: Sequence[int] | None = None,
    placements: Iterable[Placement] = (),
    estimate_clocks: bool = False,
    jobs: int = 1,
    dask: str | None = None,
    progress: Progress = silent,
) -> Exploration:
    """Predict the speed of engines of many shapes for a model.

    Parameters
    ----------
    outline : of the model.
    boards : None for all of `BOARDS`.
    rows, cols : shapes, see `celosia.explore.candidates`.
    placements : source of clocks and measured cells, `celosia.boards.load_placements`.
    estimate_clocks : estimate clocks of engines that were not placed, `celosia.explore.estimated`.
    jobs, dask, progress : see `celosia.explore.predict`.

    Raises
    ------
    CelosiaError : rows or columns are out of range, the model has no layer for an engine, or see
        `celosia.explore.predict`.
    """
    boards, placements = tuple(BOARDS.values() if boards is None else boards), tuple(placements)
    if outline.unsupported:
        return Exploration(outline, boards, ())
    if not outline.layers:
        raise CelosiaError("has no layer for an engine", where=outline.name)
    needs, found = Needs(outline), []
    for index, board in enumerate(boards, 1):
        found += candidates(needs, board, rows, cols, placements)
        if needs.operations:  # of other models it takes no time
            progress("choosing engines", index, len(boards))
    cycles = predict(
        outline,
        [each.config for each in found if each.config and each.fits],
        jobs=jobs,
        dask=dask,
        progress=progress,
    )
    points = []
    for each in found:
        clock = None
        if each.placement:
            clock = measured(each.placement)
        elif each.config and each.fits and estimate_clocks:
            clock = estimated(each.config, each.board, placements)
        points.append(
            Point(each, cycles[each.config] if each.config and each.fits else None, clock)
        )
    return Exploration(outline, boards, tuple(points))


def port_limit(board: Board, outline: Outline) -> float | None:
    """Most images/s whose input bytes the board's serial port can carry; None without layers."""
    if not outline.layers:
        return None
    return board.baud / 10 / outline.layers[0].inputs  # 8 bits, a start and a stop bit


def _fact(fact: Fact | None) -> dict | None:
    return asdict(fact) if fact else None
