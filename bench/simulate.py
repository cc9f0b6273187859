"""One model on one engine with many inputs; every byte is compared with the golden model."""

import time
from dataclasses import dataclass

import numpy as np

from celosia import driver
from celosia.compiler import compile
from celosia.driver.metrics import Metrics
from celosia.model import run as golden
from celosia.network.graph import Graph
from celosia.spec import Config
from celosia.support.progress import Progress

__all__ = ["Measured", "simulate"]


@dataclass(frozen=True)
class Measured:
    """Figures of a run on the compiled RTL of ``batch`` images at a time, its int8 outputs, and how
    many differ from golden."""

    metrics: Metrics
    outputs: np.ndarray
    mismatches: int
    batch: int


def simulate(
    graph: Graph, config: Config, x: np.ndarray, skip: bool, progress: Progress
) -> Measured:
    """Run int8 ``x`` at once, in batches of as many images as the engine computes together."""
    image = compile(graph, config)
    with driver.open("rtl", image, progress) as device:
        device.counters(clear=True)
        start = time.perf_counter()
        outputs = device.run(x, skip=skip, progress=progress)
        seconds = time.perf_counter() - start
        metrics = Metrics(
            config=config,
            macs_per_image=graph.macs,
            images=len(x),
            cycles=device.cycles,
            seconds=seconds,
            counters=device.counters(),
        )
    mismatches = int((outputs != golden(image, x)[-1]).sum())
    return Measured(metrics, outputs, mismatches, image.batch)
