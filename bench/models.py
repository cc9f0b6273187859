"""The models that are measured, and their inputs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celosia.demo import load_mnist, scaled
from celosia.demo.train import train_mlp
from celosia.importer.tflite import read_tflite
from celosia.network.graph import Graph
from celosia.network.layers import Convolution, Dense, Depthwise
from celosia.numerics.quant import Quant
from celosia.quant import quantize
from celosia.support.progress import Progress

__all__ = ["Digits", "anomaly", "digits", "wake_word"]

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


def wake_word() -> Graph:
    """A network of the shape of MLPerf Tiny's streaming wake word, with random weights.

    Maps of 30 x 1 pixels and 40 channels: depthwise kernels of 3, 5, 10 and 15 lines without
    padding, between 1 x 1 layers of 128, 128, 128 and 32 channels; then 3 classes.
    """
    rng, quant = np.random.default_rng(_SEED), Quant(0.1, -128)
    layers: list[Convolution | Depthwise | Dense] = []
    height, channels = 30, 40

    def constants(n: int, shift: int) -> dict:
        return {
            "bias": rng.integers(-500, 500, n).astype(np.int32),
            "input": quant,
            "multiplier": rng.integers(1 << 30, 1 << 31, n),
            "shift": np.full(n, shift),
            "output": quant,
        }

    def values(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape).astype(np.int8)

    for kernel, outputs in ((3, 128), (5, 128), (10, 128), (15, 32)):
        layers.append(
            Depthwise(
                name=f"depthwise{kernel}",
                weights=values(kernel, 1, channels),
                input_shape=(height, 1, channels),
                output_size=(height - kernel + 1, 1),
                **constants(channels, -7),
            )
        )
        height -= kernel - 1
        layers.append(
            Convolution(
                name=f"pointwise{kernel}",
                weights=values(outputs, 1, 1, channels),
                input_shape=(height, 1, channels),
                output_size=(height, 1),
                **constants(outputs, -8),
            )
        )
        channels = outputs
    layers.append(Dense(name="dense", weights=values(3, channels), **constants(3, -8)))
    return Graph("wake_word", tuple(layers))
