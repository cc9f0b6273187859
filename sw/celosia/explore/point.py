"""Result of the sweep for one candidate: an engine on a board with its cycles and speed."""

from collections.abc import Iterable
from dataclasses import dataclass

from celosia.boards import Board
from celosia.predict.estimate import Estimate

from .candidates import Candidate
from .clocks import Clock

__all__ = ["Point", "Used", "front"]


@dataclass(frozen=True)
class Used:
    """Cells of one type.

    Parameters
    ----------
    what : name of the type in `celosia.boards.Resources`.
    count : number of cells; None when unknown.
    available : number in the FPGA.
    measured : True when known from placing, False when counted from the engine's structure.
    """

    what: str
    count: int | None
    available: int
    measured: bool


@dataclass(frozen=True)
class Point:
    """A candidate with its speed.

    Images/s and latency are those of the engine whose link is never idle, without skipping zeros.

    Parameters
    ----------
    candidate : the engine and its board.
    cycles : of the model on the engine; None when it does not fit.
    clock : of the engine; None when unknown.
    """

    candidate: Candidate
    cycles: Estimate | None
    clock: Clock | None

    @property
    def board(self) -> Board:
        return self.candidate.board

    @property
    def name(self) -> str:
        return f"{self.candidate.rows}x{self.candidate.cols}"

    @property
    def latency_seconds(self) -> float | None:
        """Seconds of one image alone; None without a clock."""
        return self.cycles.latency / (self.clock.mhz * 1e6) if self.clock and self.cycles else None

    @property
    def single_per_second(self) -> float | None:
        """Images per second, one image at a time; None without a clock."""
        seconds = self.latency_seconds
        return None if seconds is None else 1 / seconds

    @property
    def images_per_second(self) -> float | None:
        """Images per second in full batches, one after the other; None without a clock."""
        if self.clock is None or self.cycles is None:
            return None
        return self.clock.mhz * 1e6 / self.cycles.per_image

    @property
    def used(self) -> tuple[Used, ...]:
        """Cells of each type that the FPGA has; empty when no engine of this shape can exist."""
        has, demand = self.board.resources, self.candidate.demand
        if demand is None:
            return ()
        placement = self.candidate.placement
        counts = placement.used if placement else {
            "multipliers": demand.multipliers,
            "block_rams": sum(demand.block_rams.values()),
            "single_port_rams": sum(demand.single_port_rams.values()),
        }  # fmt: skip
        return tuple(
            Used(what, counts.get(what), getattr(has, what), placement is not None)
            for what in ("multipliers", "block_rams", "single_port_rams", "luts", "ffs")
            if getattr(has, what)
        )

    def to_dict(self) -> dict:
        """All values, as for JSON."""
        candidate, clock, cycles = self.candidate, self.clock, self.cycles
        placement = candidate.placement
        return {
            "board": self.board.name,
            "rows": candidate.rows,
            "cols": candidate.cols,
            "fits": candidate.fits,
            "placed": placement is not None,
            "short": [
                {"what": s.what, "needed": s.needed, "available": s.available, "most": s.most}
                for s in candidate.short
            ],
            "engine": candidate.config and candidate.config.to_dict(),
            "technology": placement and placement.technology,
            "almost": candidate.almost,
            "used": {
                each.what: {
                    "count": each.count,
                    "available": each.available,
                    "measured": each.measured,
                }
                for each in self.used
            },
            "cycles": cycles
            and {
                "exact": cycles.exact,
                "latency": cycles.latency,
                "batch": cycles.images,
                "per_image": cycles.per_image,
            },
            "clock": clock
            and {"mhz": clock.mhz, "measured": clock.measured, "source": clock.source},
            "latency_seconds": self.latency_seconds,
            "single_images_per_second": self.single_per_second,
            "images_per_second": self.images_per_second,
        }


def front(points: Iterable[Point]) -> list[Point]:
    """The Pareto front by price class, latency and images/s, sorted by price.

    It has the points that no other point dominates. A point dominates another when it is worse in
    none of the three and better in at least one; a point with an estimated clock does not dominate
    one with a measured clock. Points without a clock are not on the front. An unknown price counts
    as higher than any other.
    """
    timed = [point for point in points if point.clock]
    kept = [point for point in timed if not any(_dominates(other, point) for other in timed)]
    return sorted(kept, key=_costs)


def _costs(point: Point) -> tuple[float, ...]:
    """Price class, latency and seconds per image: all are better when smaller."""
    latency, rate = point.latency_seconds, point.images_per_second
    assert latency is not None and rate is not None  # of a point with a clock
    price = point.board.price.limit if point.board.price else None
    return (float("inf") if price is None else price, latency, 1 / rate)


def _dominates(one: Point, other: Point) -> bool:
    if _measured(other) and not _measured(one):
        return False
    ours, theirs = _costs(one), _costs(other)
    return ours != theirs and all(a <= b for a, b in zip(ours, theirs, strict=True))


def _measured(point: Point) -> bool:
    return point.clock is not None and point.clock.measured
