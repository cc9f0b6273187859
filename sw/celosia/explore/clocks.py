"""Clock of an engine on a board: measured by placing it, or an estimate marked as one."""

from collections.abc import Iterable
from dataclasses import dataclass

from celosia.boards import Placement
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
    """The clock of a placed engine: the median over its seeds."""
    seeds = len(placement.results)
    many = f"median of {seeds} seeds" if seeds > 1 else "one seed"
    return Clock(placement.fmax_mhz, True, f"{many}, {placement.technology}")


def estimated(config: Config, placements: Iterable[Placement]) -> Clock | None:
    """The clock of the smallest engine in ``placements``, all of one board, that is not smaller.

    Not smaller: at least as many rows, columns and bytes of weights. The estimate is at most the
    clock of any placed engine with no more rows and no more columns. None if all are smaller.
    """
    size, placements = _size(config), list(placements)
    larger = [each for each in placements if _at_least(_size(each.engine), size)]
    if not larger:
        return None
    nearest = min(larger, key=lambda each: (each.engine.multipliers, _size(each.engine)))
    smaller = [each for each in placements if _at_least(size[:2], _size(each.engine)[:2])]
    mhz = min(each.fmax_mhz for each in (nearest, *smaller))
    return Clock(mhz, False, f"estimate: as {nearest.engine}, {nearest.technology}")


def _size(config: Config) -> tuple[int, int, int]:
    return config.rows, config.cols, config.cols * config.weight_depth


def _at_least(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))
