"""The metrics of a run: how many cycles, how well the multipliers were used, how fast it went."""

from dataclasses import dataclass, field

from celosia.spec import Config

__all__ = ["Metrics"]


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What a run of ``images`` images took.

    Parameters
    ----------
    config : the engine.
    macs_per_image : multiplications of one image, zeros included.
    images : images computed.
    cycles : from the first input word to the last output word, summed over engines; None without
        a clock.
    seconds : of the user's time.
    counters : the engine's performance counters over the run; {} when they are not known.
    faults : of a serial line, those that were mended, by kind.
    verified : after a run over a board: True if its memories held the program image to the end,
        False if it has no checksums to tell; else None.
    """

    config: Config
    macs_per_image: int
    images: int
    cycles: int | None
    seconds: float
    counters: dict[str, int]
    faults: dict[str, int] = field(default_factory=dict)
    verified: bool | None = None

    @property
    def cycles_per_image(self) -> float | None:
        return self.cycles / self.images if self.cycles and self.images else None

    @property
    def utilization(self) -> float | None:
        """Dense MACs a cycle and multiplier; skipping zeros can take it beyond 1."""
        if not self.cycles:
            return None
        return self.macs_per_image * self.images / (self.cycles * self.config.multipliers)

    @property
    def busy(self) -> float | None:
        """Share of the cycles in which the array multiplies, 0..1; skipped zeros take none."""
        issued = self.counters.get("issued", 0)
        return issued / self.cycles if self.cycles and 0 < issued <= self.cycles else None

    @property
    def skipped(self) -> float | None:
        """Share of all k that were skipped, 0..1."""
        total = self.counters.get("issued", 0) + self.counters.get("skipped", 0)
        return self.counters["skipped"] / total if total else None

    @property
    def images_per_second(self) -> float:
        return self.images / max(self.seconds, 1e-9)

    @property
    def sim_cycles_per_second(self) -> float | None:
        return self.cycles / max(self.seconds, 1e-9) if self.cycles else None

    def to_dict(self) -> dict:
        """Numbers only, ready for JSON; None where there is nothing to say."""
        return {
            "images": self.images,
            "macs_per_image": self.macs_per_image,
            "cycles": self.cycles,
            "cycles_per_image": self.cycles_per_image,
            "utilization": self.utilization,
            "busy": self.busy,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "sim_cycles_per_second": self.sim_cycles_per_second,
            "faults": self.faults,
            "verified": self.verified,
        }
