"""MLPerf Tiny's anomaly detection model: cycles without skipping, every byte compared with
LiteRT."""

from functools import cache
from pathlib import Path

import numpy as np

from bench.limits import cycles_per_image
from bench.models import anomaly
from bench.row import Row
from bench.simulate import Measured, simulate
from celosia.compare.reference import litert
from celosia.importer.tflite import read_tflite
from celosia.spec import Config
from celosia.support.progress import Progress

__all__ = ["Anomaly"]

_IMAGES = 512
#: Allowed cycles, as a multiple of the limit of whole tiles.
_ALLOWED = 1.05
#: The same of MACs / multipliers, for arrays whose shape does not divide the layers.
_ALLOWED_OF_MACS = 1.15
_SEED = 1


class Anomaly:
    """Metrics of ``ad01_int8.tflite`` on random inputs."""

    def __init__(self, path: Path, progress: Progress):
        self.path = path
        self.graph, self.x = anomaly(path, _IMAGES)
        self.progress = progress
        self.measured = cache(self._run)

    def _run(self, rows: int, cols: int) -> Measured:
        return simulate(self.graph, Config.default(rows, cols), self.x, False, self.progress)

    def cycles(self, rows: int, cols: int, peers: str = "") -> Row:
        """Cycles per image of one run."""
        measured = self.measured(rows, cols)
        metrics = measured.metrics
        limit = cycles_per_image(self.graph, metrics.config)
        return Row(
            name=f"AD {rows}x{cols}, batches of {measured.batch}, no skipping, "
            f"{metrics.images:,} images",
            value=metrics.cycles_per_image,
            unit="cycles/image",
            goal=_ALLOWED * limit,
            peers=f"limit of whole tiles {limit:,.0f}" + (f"; {peers}" if peers else ""),
        )

    def against_litert(self, rows: int, cols: int) -> list[Row]:
        """1,000 random and 1,000 normally distributed inputs, on the RTL and on LiteRT."""
        network = read_tflite(self.path)
        rng = np.random.default_rng(_SEED)
        quant, width = self.graph.input, self.graph.layers[0].inputs
        low, high = quant.dequantize(np.array([-128, 127], np.int8))
        like_measured = rng.normal((low + high) / 2, (high - low) / 6, (1000, width))
        x = np.concatenate(
            [
                rng.integers(-128, 128, (1000, width)).astype(np.int8),
                quant.quantize(like_measured),
            ]
        )
        config = Config.default(rows, cols)
        run = simulate(self.graph, config, x, False, self.progress)
        expected = litert(self.path, network, x).outputs[0]
        differ = int((network.finish(run.outputs) != expected).sum())
        ideal = self.graph.macs / config.multipliers
        what = f"AD {rows}x{cols}, no skipping, {len(x):,} inputs"
        return [
            Row(
                name=f"{what}: bytes that differ from LiteRT, of {expected.size:,}",
                value=differ,
                unit="bytes",
                goal=0,
            ),
            Row(
                name=what,
                value=run.metrics.cycles_per_image,
                unit="cycles/image",
                goal=_ALLOWED_OF_MACS * ideal,
                peers=f"MACs / multipliers {ideal:,.0f}",
            ),
        ]
