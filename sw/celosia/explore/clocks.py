"""Clock of an engine on a board: measured by placing it, or an estimate marked as one."""

from collections.abc import Iterable
from dataclasses import dataclass

from celosia.boards import Board, Placement
from celosia.spec import Config

__all__ = ["Clock", "estimated", "measured"]


@dataclass(frozen=True)
class Clock:
    """A clock with its source.

    Parameters
    ----------
    mhz : MHz.
    measured : True when exactly this engine was placed on exactly this board.
    source : how it was found, as text.
    """

    mhz: float
    measured: bool
    source: str


def measured(placement: Placement) -> Clock:
    """The clock of a placed engine: the median over its seeds, see `Placement.usable_mhz`."""
    seeds = len(placement.results)
    many = f"median of {seeds} seeds" if seeds > 1 else "one seed"
    if not placement.timed:
        many = "as asked for, multipliers are not timed"
    return Clock(placement.usable_mhz, True, f"{many}, {placement.technology}")


def estimated(config: Config, board: Board, placements: Iterable[Placement]) -> Clock | None:
    """The clock of the smallest engine that was placed on the board's FPGA and is not smaller.

    Not smaller: at least as many rows, columns, bytes of weights and operations. The estimate is at
    most the clock of any placed engine with no more rows, columns and operations. None if all are
    smaller.
    Where nothing was placed on this FPGA, engines that are no larger than the board's default one
    have the clock that is asked for there.
    """
    size = _size(config)
    placements = [each for each in placements if each.device == board.device]
    if not placements and _at_least(_size(board.engine()), size) and _able(board.engine(), config):
        return Clock(board.clock_mhz, False, f"estimate: the clock of {board.name}'s own engine")
    larger = [
        each
        for each in placements
        if _at_least(_size(each.engine), size) and _able(each.engine, config)
    ]
    if not larger:
        return None
    nearest = min(larger, key=lambda each: (each.engine.multipliers, _size(each.engine)))
    smaller = [
        each
        for each in placements
        if _at_least(size[:2], _size(each.engine)[:2]) and _able(config, each.engine)
    ]
    mhz = min(each.usable_mhz for each in (nearest, *smaller))
    where = "" if nearest.board == board.name else f" on {nearest.board}"
    return Clock(mhz, False, f"estimate: as {nearest.engine}{where}, {nearest.technology}")


def _size(config: Config) -> tuple[int, int, int]:
    return config.rows, config.cols, config.cols * config.weight_depth


def _able(one: Config, other: Config) -> bool:
    """Whether ``one`` has the operations of ``other``."""
    return one.convolution >= other.convolution and one.depthwise >= other.depthwise


def _at_least(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))
