"""One engine on one board, with its speed: what the sweep finds for each candidate."""

from collections.abc import Iterable
from dataclasses import dataclass

from celosia.boards import Board
from celosia.predict.estimate import Estimate

from .candidates import Candidate
from .clocks import Clock

__all__ = ["Point", "Used", "front"]


@dataclass(frozen=True)
class Used:
    """Cells of one kind; ``measured`` by placing, or counted. A count of None: not known."""

    what: str
    count: int | None
    available: int
    measured: bool


@dataclass(frozen=True)
class Point:
    """``candidate`` with the cycles of the model on it and its clock, None where not known.

    Images/s and latency are those of the engine with its link fed without a pause, and with no
    zero skipped.
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
        """Of one image alone."""
        return self.cycles.latency / (self.clock.mhz * 1e6) if self.clock else None

    @property
    def single_per_second(self) -> float | None:
        """Images/s, one after the other."""
        return 1 / self.latency_seconds if self.clock else None

    @property
    def images_per_second(self) -> float | None:
        """In full batches back to back."""
        return self.clock.mhz * 1e6 / self.cycles.per_image if self.clock else None

    @property
    def used(self) -> tuple[Used, ...]:
        """Of the FPGA, kinds of which the board has some; nothing when no such engine exists."""
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
        """Everything, ready for JSON."""
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
    """The Pareto front by price class, latency and images/s: what no other point beats, by price.

    A point beats another when it is nowhere worse and somewhere better. One with an estimated clock
    beats no measured one. Without a clock there is no place on the front; a board of unknown price
    counts as dearer than any.
    """
    timed = [point for point in points if point.clock]
    kept = [point for point in timed if not any(_beats(other, point) for other in timed)]
    return sorted(kept, key=_costs)


def _costs(point: Point) -> tuple[float, ...]:
    """Price, then what else is better when smaller."""
    price = point.board.price and point.board.price.limit
    return (
        float("inf") if price is None else price,
        point.latency_seconds,
        1 / point.images_per_second,
    )


def _beats(one: Point, other: Point) -> bool:
    if other.clock.measured and not one.clock.measured:
        return False
    ours, theirs = _costs(one), _costs(other)
    return ours != theirs and all(a <= b for a, b in zip(ours, theirs, strict=True))
