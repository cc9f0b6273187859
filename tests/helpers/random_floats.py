"""Random float networks on maps, as importers make them, for the quantizer and its judges."""

from math import prod

import numpy as np

from celosia.network.float_layers import (
    FloatAdd,
    FloatAveragePool,
    FloatConcatenation,
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatMaxPool,
    FloatMean,
    FloatPad,
    FloatScale,
)
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import Function, X, clip, function

__all__ = ["FUNCTIONS", "random_network"]

#: Of layers with weights and additions; LiteRT has all of them.
FUNCTIONS = (
    X,
    clip(0),
    clip(0),
    clip(0, 6),
    function("sigmoid"),
    function("tanh"),
    function("leaky_relu", 0.25),
    function("hard_swish"),
    function("gelu_tanh"),
)


class _Builder:
    def __init__(self, rng: np.random.Generator, shape):
        self.rng, self.shapes, self.layers, self.reads = rng, [shape], [], []

    def add(self, layer, *reads: int) -> int:
        self.layers.append(layer)
        self.reads.append(reads)
        self.shapes.append(layer.output_shape)
        return len(self.layers)

    def function(self) -> Function:
        return FUNCTIONS[int(self.rng.integers(len(FUNCTIONS)))]

    def window(self, shape, kernel, same):
        """TensorFlow's padding, SAME or VALID."""
        stride = 2 if self.rng.random() < 0.2 and min(shape[:2]) > 3 else 1
        sizes, padding = [], []
        for n, k in zip(shape[:2], kernel, strict=True):
            size = -(-n // stride) if same else (n - k) // stride + 1
            sizes.append(size)
            padding.append(max((size - 1) * stride + k - n, 0) // 2 if same else 0)
        return tuple(sizes), (stride, stride), tuple(padding)

    def kernel(self, shape):
        return tuple(int(self.rng.integers(1, min(3, n) + 1)) for n in shape[:2])

    def convolution(self, source: int, channels: int, f: Function | None = None) -> int:
        shape, rng = self.shapes[source], self.rng
        kernel, same = self.kernel(shape), rng.random() < 0.7
        size, stride, padding = self.window(shape, kernel, same)
        k = prod(kernel) * shape[2]
        weights = rng.normal(0, 1.5 / np.sqrt(k), (channels, *kernel, shape[2]))
        f = self.function() if f is None else f
        more = {"stride": stride, "padding": padding, "function": f}
        return self.add(
            FloatConvolution(weights, rng.normal(0, 0.3, channels), shape, size, **more), source
        )

    def depthwise(self, source: int) -> int:
        shape, rng = self.shapes[source], self.rng
        kernel, same = self.kernel(shape), rng.random() < 0.7
        size, stride, padding = self.window(shape, kernel, same)
        n = shape[2] * (2 if rng.random() < 0.2 else 1)
        weights = rng.normal(0, 1.5 / np.sqrt(prod(kernel)), (*kernel, n))
        more = {"stride": stride, "padding": padding, "function": self.function()}
        return self.add(FloatDepthwise(weights, rng.normal(0, 0.3, n), shape, size, **more), source)

    def pool(self, source: int) -> int:
        shape = self.shapes[source]
        kernel = self.kernel(shape)
        size, stride, padding = self.window(shape, kernel, self.rng.random() < 0.5)
        kind = FloatMaxPool if self.rng.random() < 0.5 else FloatAveragePool
        f = clip(0) if self.rng.random() < 0.2 else X
        return self.add(kind(shape, kernel, stride, size, padding, function=f), source)

    def scale(self, source: int, f: Function = X) -> int:
        shape, rng = self.shapes[source], self.rng
        many = shape[2]
        layer = FloatScale(rng.uniform(0.3, 2, many), rng.normal(0, 0.5, many), shape, function=f)
        return self.add(layer, source)

    def block(self, source: int) -> int:
        """A layer or two behind tensor ``source``."""
        shape, rng, most = self.shapes[source], self.rng, 10
        kind = rng.integers(9)
        if kind <= 2:
            return self.convolution(source, int(rng.integers(1, most)))
        if kind == 3:
            return self.depthwise(source)
        if kind == 4:
            return self.pool(source)
        if kind == 5:
            weights = rng.normal(0, 0.5, (shape[2], 1, 1, shape[2]))
            f = clip(0) if rng.random() < 0.5 else self.function()
            other = self.add(
                FloatConvolution(weights, np.zeros(shape[2]), shape, shape[:2], function=f), source
            )
            f = self.function()
            return self.add(FloatAdd(shape, function=f), source, other)
        if kind == 6:
            weights = rng.normal(0, 0.5, (3, 1, 1, shape[2]))
            other = self.add(FloatConvolution(weights, np.ones(3), shape, shape[:2]), source)
            shapes = (shape, self.shapes[other])
            f = self.function() if rng.random() < 0.5 else X
            return self.add(FloatConcatenation(shapes, function=f), source, other)
        if kind == 7:
            border = [int(v) for v in rng.integers(0, 2, 4)]
            return self.add(FloatPad(shape, *border), source)
        return self.scale(source, clip(0) if rng.random() < 0.5 else X)


def random_network(rng: np.random.Generator, blocks: int = 4) -> FloatNetwork:
    """A network of 1 to ``blocks`` blocks on maps, then a mean or a flattened map, then dense."""
    shape = (int(rng.integers(3, 8)), int(rng.integers(3, 8)), int(rng.integers(1, 4)))
    builder, current = _Builder(rng, shape), 0
    if rng.random() < 0.3:
        current = builder.scale(current)
    for _ in range(rng.integers(1, blocks + 1)):
        current = builder.block(current)
    if rng.random() < 0.4:
        current = builder.add(FloatMean(builder.shapes[current], function=X), current)
    if rng.random() < 0.8 or current == 0:
        shape = builder.shapes[current]
        weights = rng.normal(0, 1 / np.sqrt(prod(shape)), (prod(shape), 5))
        f = builder.function()
        dense = FloatDense(weights, rng.normal(0, 0.2, 5), shape, function=f)
        current = builder.add(dense, current)
    if rng.random() < 0.3:
        builder.scale(current)
    return FloatNetwork("random", tuple(builder.layers), reads=tuple(builder.reads))
