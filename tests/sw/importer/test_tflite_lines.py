"""Networks in one dimension, as TensorFlow writes them: every tensor is LiteRT's."""

import numpy as np
import pytest
from tests.helpers.litert import run
from tests.helpers.random_cnns import random_inputs
from tests.helpers.random_graphs import MAP_CONFIGS
from tests.helpers.random_lines import Line, random_line

from celosia.compiler import compile
from celosia.importer.tflite import tflite_network
from celosia.importer.tflite.outline import tflite_outline
from celosia.model import run as golden
from celosia.network.network import Network
from celosia.support.errors import CelosiaError


def same_as_litert(data: bytes, x: np.ndarray) -> tuple[Network, list[np.ndarray]]:
    """The network of ``data`` and its layers' results, which are LiteRT's."""
    network = tflite_network(data)
    assert not tflite_outline(data).unsupported
    judge = run(data, x, resize=False, key="index")
    results = network.graph.evaluate(network.prepare(x))
    for tensor, y in zip(network.tensors[1:], results, strict=True):
        assert np.array_equal(y, judge[tensor].reshape(len(x), -1)), tensor
    heads = network.finish_heads([results[tensor - 1] for tensor in network.graph.outputs])
    for (name, y), head in zip(heads.items(), network.heads, strict=True):
        assert y.shape[1:] == head.shape, name
    return network, results


@pytest.mark.parametrize("seed", range(60))
def test_random_lines(seed):
    rng = np.random.default_rng([3, seed])
    data = random_line(rng)
    shape = tflite_network(data).host.input_shape
    x = random_inputs(rng, shape, 4)
    network, results = same_as_litert(data, x)
    for name in ("3x5", "8x8"):
        for goal in ("throughput", "latency"):
            try:
                image = compile(network.graph, MAP_CONFIGS[name], emit_all=True, goal=goal)
            except CelosiaError as error:
                assert "no weights give the sums" in str(error)
                continue
            for y, want in zip(golden(image, network.prepare(x)), results, strict=True):
                assert np.array_equal(y, want), (name, goal)


def test_wake_word():
    """As streaming wake words are: 1x1 layers, and depthwise layers along the time without padding,
    of an N x 1 map."""
    line = Line(np.random.default_rng(4), (30, 10), tame=True)
    last = 0
    for taps, channels in ((3, 16), (5, 16), (10, 8), (14, 4)):
        last = line.conv1d(last, channels, 1, activation=1, upright=True)
        last = line.conv1d(last, 0, taps, same=False, copies=1, upright=True)
    length, channels = line.shape(last)
    data = line.build(line.dense(line.reshape(last, (length * channels,)), 3))
    x = random_inputs(np.random.default_rng(5), (30, 10), 4)
    network, _ = same_as_litert(data, x)
    assert network.graph.shapes[0] == (30, 1, 10) and len(network.graph.layers) == 9


@pytest.mark.parametrize("along", ["width", "height"])
@pytest.mark.parametrize("length", [1, 2, 255, 256])
def test_short_and_long_lines(along, length):
    line = Line(np.random.default_rng(length), (length, 2), tame=True)
    made = line.conv1d(0, 3, 3, upright=along == "height")
    data = line.build(line.conv1d(made, 2, 5, stride=2, upright=along == "width"))
    x = random_inputs(np.random.default_rng(6), (length, 2), 3)
    network, results = same_as_litert(data, x)
    image = compile(network, MAP_CONFIGS["4x12-lanes4"])
    assert np.array_equal(golden(image, network.prepare(x))[-1], results[-1])
