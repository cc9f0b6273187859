"""Random quantized networks and engines for the tests."""

from dataclasses import replace

import numpy as np

from celosia.network.graph import Dense, Graph
from celosia.numerics.quant import Quant
from celosia.spec import Config, Rounding

#: Small, odd, wide, tall: every ratio of rows, cols, lanes and link words that tends to break.
CONFIGS = {
    "1x4": Config.default(1, 4, weight_depth=1 << 18, act_depth=1024, link_bytes=1, convolution=0),
    "3x5": Config.default(3, 5, weight_depth=1 << 18, act_depth=1024, link_bytes=2, convolution=0),
    "4x12-lanes4": Config.default(
        4, 12, lanes=4, weight_depth=1 << 17, link_bytes=8, convolution=0
    ),
    "16x16": Config.default(16, 16, convolution=0),
    "1x128": Config.default(1, 128, link_bytes=32, convolution=0),
    "32x8": Config.default(32, 8, weight_depth=1 << 17, link_bytes=4, convolution=0),
}


def quant(rng: np.random.Generator) -> Quant:
    return Quant(
        float(rng.uniform(0.001, 1)), int(rng.choice([-128, 127, 0, rng.integers(-99, 99)]))
    )


def dense(rng: np.random.Generator, name: str, inputs: int, outputs: int, source: Quant) -> Dense:
    """A layer whose results spread over the int8 range, with any mode, clamp and table."""
    output, bits = quant(rng), int(np.log2(inputs + 1))
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    table = rng.integers(-128, 128, 256).astype(np.int8) if rng.random() < 0.4 else None
    return Dense(
        name,
        rng.integers(-128, 128, (outputs, inputs)).astype(np.int8),
        rng.integers(-20000, 20000, outputs).astype(np.int32),
        source,
        rng.integers(1 << 30, 1 << 31, outputs),
        rng.integers(-8 - bits, -5 - bits // 2, outputs),
        output,
        clamp=(-128, 127) if rng.random() < 0.7 else (low, high),
        rounding=Rounding(int(rng.integers(2))),
        table=table,
        table_output=None if table is None else quant(rng),
    )


def plain(weights: np.ndarray, bias: list[int], zero_point: int = -128, name="dense") -> Dense:
    """A layer of these weights [N, K] with unit factors and scales."""
    n = len(weights)
    one, zero = np.full(n, 1 << 30), np.zeros(n, np.int64)
    source = Quant(1.0, zero_point)
    return Dense(name, weights.astype(np.int8), np.array(bias), source, one, zero, Quant(1.0, 0))


def network(rng: np.random.Generator, widths: list[int], tables: int = 4) -> Graph:
    """One layer between each two of ``widths``, with element tables for at most ``tables``."""
    layers, source = [], quant(rng)
    for index, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        layer = dense(rng, f"layer{index}", inputs, outputs, source)
        if sum(each.table is not None for each in layers) == tables:
            layer = replace(layer, table=None, table_output=None)
        layers.append(layer)
        source = layers[-1].result
    return Graph("random", tuple(layers))


def images(rng: np.random.Generator, graph: Graph, count: int) -> np.ndarray:
    """Inputs of which about half are the byte the engine skips."""
    x = rng.integers(-128, 128, (count, graph.layers[0].inputs)).astype(np.int8)
    return np.where(rng.random(x.shape) < 0.5, np.int8(-128), x)
