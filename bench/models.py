"""The models that are measured, and their inputs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celosia.demo import load_mnist, scaled
from celosia.demo.train import train_mlp
from celosia.importer.tflite import read_tflite
from celosia.network.graph import Graph
from celosia.quant import quantize
from celosia.support.progress import Progress

__all__ = ["Digits", "anomaly", "digits"]

_SEED = 0


@dataclass(frozen=True)
class Digits:
    """The demo's network, its int8 test images ``x``, their labels, and the float predictions."""

    name: str
    graph: Graph
    x: np.ndarray
    labels: np.ndarray
    float_classes: np.ndarray


def digits(folder: str | None, progress: Progress) -> Digits:
    """784-128-64-10 on MNIST, as `celosia mnist` makes it."""
    data = load_mnist(folder, progress)
    model = train_mlp(data, progress=progress)
    graph = quantize(model, scaled(data.x_train[:1000]), name=data.name).graph
    pixels = scaled(data.x_test)
    return Digits(
        data.name, graph, graph.input.quantize(pixels), data.y_test, model.predict(pixels)
    )


def anomaly(path: Path, count: int) -> tuple[Graph, np.ndarray]:
    """MLPerf Tiny's anomaly detection model with ``count`` random inputs."""
    graph = read_tflite(path).graph
    rng = np.random.default_rng(_SEED)
    return graph, rng.integers(-128, 128, (count, graph.layers[0].inputs)).astype(np.int8)
