"""A small convolutional network, the same every time."""

import numpy as np

from celosia.network.graph import Graph
from celosia.network.layers import Convolution, Dense, Depthwise
from celosia.numerics.quant import Quant

__all__ = ["small_cnn"]


def small_cnn(seed: int = 1) -> Graph:
    """12x10x3, a 3x3 convolution of stride 2 to 8 channels, a 3x3 depthwise one, 5 outputs."""
    rng = np.random.default_rng(seed)
    quants = [Quant(0.02, 3), Quant(0.05, -128), Quant(0.05, -128), Quant(0.1, 0)]

    def common(index: int, outputs: int, shift: int) -> dict:
        return {
            "bias": rng.integers(-500, 500, outputs).astype(np.int32),
            "input": quants[index],
            "multiplier": rng.integers(1 << 30, 1 << 31, outputs),
            "shift": np.full(outputs, shift),
            "output": quants[index + 1],
        }

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape).astype(np.int8)

    return Graph(
        "small",
        (
            Convolution(
                "first", weights(8, 3, 3, 3), **common(0, 8, -8), input_shape=(12, 10, 3),
                output_size=(6, 5), stride=(2, 2), padding=(0, 0),
            ),
            Depthwise(
                "each", weights(3, 3, 8), **common(1, 8, -8), input_shape=(6, 5, 8),
                output_size=(6, 5), padding=(1, 1),
            ),
            Dense("last", weights(5, 240), **common(2, 5, -10), input_shape=(6, 5, 8)),
        ),
    )  # fmt: skip
