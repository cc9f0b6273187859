"""Layers on maps in the memories of an engine against LiteRT: every tensor of random operators and
graphs, compiled and executed by the golden model through the addresses of the rows.

More of them with ``CELOSIA_JUDGED=1000`` (operators; a fifth as many graphs). What the compiler
refuses is counted and printed: additions whose sums no weights give.
"""

import os
from collections.abc import Callable

import numpy as np
import pytest
from tests.helpers.litert import run as litert
from tests.helpers.random_cnns import LAYERS, random_cnn, random_inputs, random_layer
from tests.helpers.random_graphs import MAP_CONFIGS

from celosia.compiler import compile
from celosia.importer.tflite import tflite_network
from celosia.model import run
from celosia.network.layers import Convolution, Depthwise
from celosia.support.errors import CelosiaError

COUNT = int(os.environ.get("CELOSIA_JUDGED", "100"))
_IMAGES = 3


def judged(data: bytes, index: int, rng: np.random.Generator, says: str) -> int:
    """Compare both modes on one engine after the other; the bytes compared."""
    network = tflite_network(data)
    x = random_inputs(rng, network.host.input_shape, _IMAGES)
    judge = litert(data, x, resize=False, key="index")
    q, compared = network.prepare(x), 0
    name = list(MAP_CONFIGS)[index % len(MAP_CONFIGS)]
    for goal in ("throughput", "latency"):
        image = compile(network, MAP_CONFIGS[name], emit_all=True, goal=goal)
        for tensor, y in zip(network.tensors[1:], run(image, q), strict=True):
            expected = judge[tensor].reshape(_IMAGES, -1)
            bad = np.argwhere(y != expected)
            assert not len(bad), f"{says}, {name}, {goal}: tensor {tensor}, first at {bad[0]}"
            compared += y.size
    return compared


def judge_all(kind: str, count: int, make: Callable[[np.random.Generator], bytes]) -> None:
    """Judge ``count`` models; at most a tenth of them may be refused, and only for additions."""
    compared, refused = 0, []
    for index in range(count):
        rng = np.random.default_rng([index, *kind.encode()])
        try:
            compared += judged(make(rng), index, rng, f"{kind}, number {index}")
        except CelosiaError as error:
            assert "no weights give the sums" in str(error), f"{kind}, number {index}: {error}"
            refused.append(index)
    print(f"{kind}: {count} models, {compared} bytes compared, refused {refused}")
    assert compared and 10 * len(refused) <= count, refused


@pytest.mark.parametrize("code", sorted(set(LAYERS)))
def test_random_layers(code):
    count = max(COUNT * LAYERS.count(code) // len(LAYERS), 1)
    judge_all(code, count, lambda rng: random_layer(rng, code))


@pytest.mark.parametrize("code", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_corners_are_drawn(code):
    """Among the first 100 operators, which a search with ``CELOSIA_JUDGED=550`` has."""
    seen: dict[str, int] = {}
    for index in range(100):
        rng = np.random.default_rng([index, *code.encode()])
        for layer in tflite_network(random_layer(rng, code)).graph.layers:
            if not isinstance(layer, Convolution | Depthwise):
                continue
            size, kernel, channels = layer.input_shape[:2], layer.kernel, layer.input_shape[2]
            for corner, found in {
                "left shift": (np.asarray(layer.shift) > 0).any(),
                "kernel larger than the map": (np.array(kernel) > size).any(),
                "stride larger than the kernel": (np.array(layer.stride) > kernel).any(),
                "unequal strides": layer.stride[0] != layer.stride[1],
                "dilation": max(layer.dilation) > 1,
                "one pixel": size == (1, 1),
                "one channel": channels == 1,
                "two channels": channels == 2,
                "lowest zero point": layer.input.zero_point == -128,
                "highest zero point": layer.input.zero_point == 127,
            }.items():
                seen[corner] = seen.get(corner, 0) + bool(found)
    assert min(seen.values()) > 0, seen


def test_random_networks():
    judge_all("network", COUNT // 5, random_cnn)
