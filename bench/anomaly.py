"""Cycles of MLPerf Tiny's anomaly detection model, without skipping."""

from functools import cache
from pathlib import Path

from celosia.progress import Progress
from celosia.spec import Config

from .limits import cycles_per_image
from .models import anomaly
from .row import Row
from .simulate import Measured, simulate

__all__ = ["Anomaly"]

_IMAGES = 512
#: Above the limit of whole tiles.
_ALLOWED = 1.05


class Anomaly:
    """Figures of ``ad01_int8.tflite`` on random inputs."""

    def __init__(self, path: Path, progress: Progress):
        self.graph, self.x = anomaly(path, _IMAGES)
        self.progress = progress
        self.measured = cache(self._run)

    def _run(self, rows: int, cols: int) -> Measured:
        return simulate(self.graph, Config.default(rows, cols), self.x, False, self.progress)

    def cycles(self, rows: int, cols: int, peers: str = "") -> Row:
        """Cycles per image of one run."""
        figures = self.measured(rows, cols).figures
        limit = cycles_per_image(self.graph, figures.config)
        return Row(
            name=f"AD {rows}x{cols}, batches of {rows}, no skipping, {figures.images:,} images",
            value=figures.cycles_per_image,
            unit="cycles/image",
            goal=_ALLOWED * limit,
            peers=f"limit of whole tiles {limit:,.0f}" + (f"; {peers}" if peers else ""),
        )
