"""Layers on maps in the memories of an engine against LiteRT: every tensor of random operators and
graphs, compiled and executed by the golden model through the addresses of the rows.

More of them with ``CELOSIA_JUDGED=1000`` (operators; a fifth as many graphs).
"""

import os

import numpy as np
import pytest
from tests.helpers.litert import run as litert
from tests.helpers.random_cnns import LAYERS, random_cnn, random_inputs, random_layer
from tests.helpers.random_graphs import MAP_CONFIGS

from celosia.compiler import compile
from celosia.importer.tflite import tflite_network
from celosia.model import run
from celosia.support.errors import Unsupported

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


@pytest.mark.parametrize("code", sorted(set(LAYERS)))
def test_random_layers(code):
    compared, refused = 0, []
    count = max(COUNT * LAYERS.count(code) // len(LAYERS), 1)
    for index in range(count):
        rng = np.random.default_rng([index, 5, *code.encode()])
        try:
            compared += judged(random_layer(rng, code), index, rng, f"{code}, number {index}")
        except Unsupported as error:
            refused.append(str(error))
    print(code, count, "operators,", compared, "bytes compared,", refused)
    assert compared and 10 * len(refused) <= count, refused


def test_random_networks():
    compared = 0
    for index in range(COUNT // 5):
        rng = np.random.default_rng([index, 6])
        compared += judged(random_cnn(rng), index, rng, f"network {index}")
    print(COUNT // 5, "networks,", compared, "bytes compared")
    assert compared > 1000 * (COUNT // 5)
