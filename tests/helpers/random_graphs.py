"""Random graphs of maps in every form that the compiler takes, and engines for them.

Unlike a network out of a file they keep nothing sensible: every layer may follow every other one,
with any clamp, any table and any quantization.
"""

from math import prod

import numpy as np

from celosia.network.graph import Graph
from celosia.network.layers import (
    Add,
    AveragePool,
    Concatenation,
    Convolution,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Mean,
    Pad,
    Shape,
)
from celosia.numerics.quant import Quant
from celosia.spec import Config

__all__ = ["MAP_CONFIGS", "map_config", "random_graph"]

_KINDS = (
    *("convolution",) * 3,
    *("depthwise", "addition", "concatenation") * 2,
    *("dense", "average", "maximum", "mean", "pad"),
)


def map_config(rows: int, cols: int, lanes: int, **more: int) -> Config:
    """An engine with all operations, and activations as deep as addresses allow."""
    slots = 1 << (lanes - 1).bit_length()
    depths = {"weight_depth": 1 << 20, "param_depth": 1 << 14, "program_depth": 1 << 9}
    given = {"act_depth": (1 << 16) // slots, "tables": 16, "link_bytes": 8} | depths
    ops = {"convolution": 1, "depthwise": 1}
    return Config(rows=rows, cols=cols, lanes=lanes, **(given | ops | more))


MAP_CONFIGS = {
    "1x4": map_config(1, 4, 4, link_bytes=1),
    "3x5": map_config(3, 5, 5, link_bytes=4, checksum=1),
    "4x12-lanes4": map_config(4, 12, 4, checksum=1),
    "8x8": map_config(8, 8, 8, requantizers=4),
    "16x16": map_config(16, 16, 16),
    "1x64": map_config(1, 64, 64),
    "2x8-lanes2": map_config(2, 8, 2, link_bytes=2),
    "5x9-lanes3": map_config(5, 9, 3),
}


class _Builder:
    def __init__(self, rng: np.random.Generator, largest: int):
        self.rng = rng
        size = self.pick(1, largest), self.pick(1, largest), self.pick(1, largest)
        self.shapes: list[Shape] = [size]
        self.quants = [self.quant()]
        self.layers: list[Layer] = []
        self.reads: list[tuple[int, ...]] = []

    def pick(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def quant(self) -> Quant:
        scale = float(np.float32(np.exp(self.rng.uniform(-4, -1))))
        zero_point = (-128, 127, self.pick(-99, 99), self.pick(-99, 99))[self.pick(0, 3)]
        return Quant(scale, zero_point)

    def factors(self, channels: int, k: int) -> dict:
        low = -9 - int(np.log2(k)) // 2
        return {
            "multiplier": self.rng.integers(1 << 30, (1 << 31) - 1, channels),
            "shift": self.rng.integers(low, low + 5, channels),
            "bias": self.rng.integers(-3000, 3000, channels).astype(np.int32),
        }

    def finish(self, often: bool = True) -> dict:
        """A clamp and a table, now and then."""
        found: dict = {}
        if self.pick(0, 3 if often else 9) == 0:
            low, high = sorted((self.pick(-128, 127), self.pick(-128, 127)))
            found["clamp"] = (low, high)
        if self.pick(0, 5 if often else 9) == 0:
            found["table"] = self.rng.integers(-128, 128, 256).astype(np.int8)
            found["table_output"] = self.quant()
        return found

    def window(self, shape: Shape, dilated: bool) -> dict:
        """Kernel, stride, dilation, padding and the size of the result."""
        found: dict[str, list[int]] = {name: [] for name in _WINDOW}
        same = self.pick(0, 1)
        for n in shape[:2]:
            kernel, stride, dilation = self.pick(1, min(4, n)), self.pick(1, 3), 1
            if dilated and self.pick(0, 3) == 0:
                stride, dilation = 1, self.pick(1, 2)
            span = (kernel - 1) * dilation + 1
            if not same and span > n:
                dilation, span = 1, kernel
            size = -(-n // stride) if same else (n - span) // stride + 1
            padding = max((size - 1) * stride + span - n, 0) // 2 if same else 0
            for name, value in zip(_WINDOW, (kernel, stride, dilation, padding, size), strict=True):
                found[name].append(value)
        return {name: tuple(values) for name, values in found.items()}

    def add(self, kind: str) -> None:
        tensor = len(self.shapes) - 1 if self.pick(0, 2) else self.pick(0, len(self.shapes) - 1)
        shape, name = self.shapes[tensor], f"{len(self.layers)} {kind}"
        common = {"name": name, "input": self.quants[tensor]}
        layer, reads = getattr(self, kind)(tensor, shape, common)
        self.layers.append(layer)
        self.reads.append(reads)
        self.shapes.append(layer.output_shape)
        self.quants.append(layer.result)

    def convolution(self, tensor: int, shape: Shape, common: dict) -> tuple[Layer, tuple[int, ...]]:
        window, n = self.window(shape, True), self.pick(1, 14)
        kernel = window.pop("kernel")
        weights = self.rng.integers(-128, 128, (n, *kernel, shape[2])).astype(np.int8)
        more = self.factors(n, weights[0].size) | self.finish() | window
        return Convolution(
            weights=weights, output=self.quant(), input_shape=shape, **common, **more
        ), (tensor,)

    def depthwise(self, tensor: int, shape: Shape, common: dict):
        window, n = self.window(shape, True), shape[2] * (1, 1, 1, 2, 3)[self.pick(0, 4)]
        kernel = window.pop("kernel")
        weights = self.rng.integers(-128, 128, (*kernel, n)).astype(np.int8)
        more = self.factors(n, prod(kernel)) | self.finish() | window
        return Depthwise(
            weights=weights, output=self.quant(), input_shape=shape, **common, **more
        ), (tensor,)

    def dense(self, tensor: int, shape: Shape, common: dict):
        n, k = self.pick(1, 20), prod(shape)
        weights = self.rng.integers(-128, 128, (n, k)).astype(np.int8)
        more = self.factors(n, k) | self.finish()
        return Dense(weights=weights, output=self.quant(), input_shape=shape, **common, **more), (
            tensor,
        )

    def _pool(self, kind: type, tensor: int, shape: Shape, common: dict):
        window = self.window(shape, False)
        del window["dilation"]
        more = window | self.finish()
        return kind(output=common["input"], input_shape=shape, **common, **more), (tensor,)

    def average(self, *of):
        return self._pool(AveragePool, *of)

    def maximum(self, *of):
        return self._pool(MaxPool, *of)

    def mean(self, tensor: int, shape: Shape, common: dict):
        return Mean(output=self.quant(), input_shape=shape, **common, **self.finish()), (tensor,)

    def addition(self, tensor: int, shape: Shape, common: dict):
        alike = [t for t, other in enumerate(self.shapes) if other == shape]
        other = alike[self.pick(0, len(alike) - 1)]
        scale = max(self.quants[tensor].scale, self.quants[other].scale)
        # A ratio of few weights, as no search for weights is tested here.
        scales = {"output": Quant(scale * (1.0, 1.5, 2.0)[self.pick(0, 2)], self.pick(-128, 127))}
        second = {"other": self.quants[other], "input_shape": shape}
        return Add(**common, **scales, **second, **self.finish()), (tensor, other)

    def pad(self, tensor: int, shape: Shape, common: dict):
        border = {side: self.pick(0, 2) for side in ("top", "bottom", "left", "right")}
        return Pad(input_shape=shape, **common, **border, **self.finish(often=False)), (tensor,)

    def concatenation(self, tensor: int, shape: Shape, common: dict):
        # The bytes are what counts: quantizations that differ would be a file's mistake.
        alike = [t for t, other in enumerate(self.shapes) if other[:2] == shape[:2]]
        reads = (tensor, *(alike[self.pick(0, len(alike) - 1)] for _ in range(self.pick(0, 2))))
        shapes = tuple(self.shapes[t] for t in reads)
        return Concatenation(shapes=shapes, **common, **self.finish(often=False)), reads


_WINDOW = ("kernel", "stride", "dilation", "padding", "output_size")


def random_graph(
    rng: np.random.Generator, layers: int = 7, largest: int = 9, fewest: int = 1
) -> Graph:
    """A graph of ``fewest``..``layers`` layers; its input has at most ``largest`` of each.

    Tensors that no layer reads are its outputs.
    """
    while True:
        builder = _Builder(rng, largest)
        for _ in range(builder.pick(fewest, layers)):
            builder.add(_KINDS[builder.pick(0, len(_KINDS) - 1)])
        used = {tensor for reads in builder.reads for tensor in reads}
        if 0 in used:
            outputs = tuple(t for t in range(1, len(builder.shapes)) if t not in used)
            return Graph("random", tuple(builder.layers), tuple(builder.reads), outputs)
