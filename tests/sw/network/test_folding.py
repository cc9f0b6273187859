"""Channels that no input can change: proved, folded, and every kept value the same."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.random_cnns import Cnn, random_cnn, random_inputs

from celosia.importer.tflite import read_tflite, tflite_network
from celosia.network.folding import fold_channels
from celosia.network.graph import Graph
from celosia.network.layers import Convolution, Dense, Depthwise
from celosia.network.ranges import channel_ranges


def same_values(graph: Graph, x: np.ndarray):
    """The folded ``graph``, whose values are those of ``graph``."""
    folded = fold_channels(graph)
    assert folded.graph.shapes[0] == graph.shapes[0] and folded.graph.outputs == graph.outputs
    for tensor in graph.outputs:
        assert folded.graph.shapes[tensor] == graph.shapes[tensor]
    results = zip(graph.evaluate(x), folded.graph.evaluate(x), strict=True)
    for tensor, (expected, y) in enumerate(results, 1):
        full, known = folded.expand(tensor, y)
        assert np.array_equal(full[:, known], expected[:, known]), f"tensor {tensor}"
    return folded


def weights(graph: Graph) -> int:
    return sum(getattr(layer, "weights", np.zeros(0)).size for layer in graph.layers)


def test_vww_loses_half_of_its_multiplications(models_dir):
    network = read_tflite(models_dir / "vww_96_int8.tflite")
    x = np.load(models_dir / "samples" / "vww_96_int8.npy")[:6]
    rng = np.random.default_rng(0)
    x = np.concatenate([network.prepare(x), random_inputs(rng, (96 * 96 * 3,), 4)])
    folded = same_values(network.graph, x)
    assert network.graph.macs == 7_489_664 and folded.graph.macs == 3_727_313
    assert weights(network.graph) == 208_112 and weights(folded.graph) == 29_066


@pytest.mark.parametrize("name", ["ad01_int8", "kws_ref_model", "pretrainedResnet_quant"])
def test_other_published_models_have_no_such_channels(models_dir, name):
    graph = read_tflite(models_dir / f"{name}.tflite").graph
    folded = fold_channels(graph)
    assert folded.graph.shapes == graph.shapes
    assert all(not len(each.channels) for each in folded.removed)
    for one, other in zip(graph.layers, folded.graph.layers, strict=True):
        if isinstance(one, Dense | Convolution | Depthwise):
            assert np.array_equal(one.weights, other.weights)
            assert np.array_equal(one.bias, other.bias)


def planted(graph: Graph, rng: np.random.Generator) -> Graph:
    """``graph`` with channels whose bias saturates them, at either end of the clamp."""
    layers = []
    for layer in graph.layers:
        if isinstance(layer, Dense | Convolution | Depthwise):
            bias, dead = layer.bias.copy(), rng.random(len(layer.bias)) < 0.5
            ends = rng.choice([-1, 1], int(dead.sum())) << 29
            bias[dead] = np.where(layer.shift[dead] > 0, ends >> 8, ends)
            layer = replace(layer, bias=bias)
        layers.append(layer)
    return Graph(graph.name, tuple(layers), graph.reads, graph.outputs)


@pytest.mark.parametrize("group", range(4))
def test_random_networks_with_dead_channels(group):
    macs, less = 0, 0
    for seed in range(group, 120, 4):
        rng = np.random.default_rng(seed)
        network = tflite_network(random_cnn(rng, channels=12))
        graph = planted(network.graph, rng)
        x = network.prepare(random_inputs(rng, network.host.input_shape, 6))
        try:
            folded = same_values(graph, x)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        macs, less = macs + graph.macs, less + folded.graph.macs
    # Few of them keep all channels.
    assert less < 0.8 * macs


def test_ranges_hold_every_value():
    for seed in range(60):
        rng = np.random.default_rng([seed, 3])
        network = tflite_network(random_cnn(rng))
        x = network.prepare(random_inputs(rng, network.host.input_shape, 10))
        graph = network.graph
        values = [x, *graph.evaluate(x)]
        for shape, bounds, y in zip(graph.shapes, channel_ranges(graph), values, strict=True):
            y = y.reshape(-1, shape[2])
            assert (bounds.low <= y.min(axis=0)).all() and (y.max(axis=0) <= bounds.high).all()


def edge(same: bool, zero_point: int) -> Graph:
    """Two convolutions; channel 1 between them is always 127."""
    cnn = Cnn(np.random.default_rng(1), (5, 5, 2), tame=True)
    first = cnn.convolution(0, 3)
    cnn.tensors[first].zero_point = zero_point
    graph = tflite_network(cnn.build(cnn.convolution(first, 4, (3, 3), same=same))).graph
    bias = graph.layers[0].bias.copy()
    bias[1] = 1 << 29
    return Graph("edge", (replace(graph.layers[0], bias=bias), graph.layers[1]))


@pytest.mark.parametrize(
    ("same", "zero_point", "removed"), [(False, 0, [1]), (True, 0, []), (True, 127, [1])]
)
def test_a_constant_is_stored_where_the_border_differs(same, zero_point, removed):
    x = random_inputs(np.random.default_rng(2), (50,), 8)
    folded = same_values(edge(same, zero_point), x)
    assert folded.removed[1].channels.tolist() == removed
    assert folded.removed[1].values.tolist() == [127] * len(removed)
    assert folded.kept(1).tolist() == [0, 2] if removed else [0, 1, 2]


def test_a_channel_that_varies_goes_when_nothing_reads_it():
    graph = edge(False, 0)
    weights = graph.layers[1].weights.copy()
    weights[..., 2] = 0
    graph = Graph("unread", (graph.layers[0], replace(graph.layers[1], weights=weights)))
    folded = same_values(graph, random_inputs(np.random.default_rng(2), (50,), 8))
    assert folded.removed[1].channels.tolist() == [1, 2]
    assert folded.removed[1].constant.tolist() == [True, False]


def test_a_bias_that_would_leave_32_bits_keeps_its_channels():
    graph = edge(False, 0)
    bias = np.full(4, (1 << 31) - 1, np.int64)
    graph = Graph("full", (graph.layers[0], replace(graph.layers[1], bias=bias)))
    weights = np.abs(graph.layers[1].weights)
    graph = Graph("full", (graph.layers[0], replace(graph.layers[1], weights=weights)))
    assert not len(fold_channels(graph).removed[1].channels)


def test_folding_twice_changes_nothing(models_dir):
    once = fold_channels(read_tflite(models_dir / "vww_96_int8.tflite").graph).graph
    assert fold_channels(once).graph.shapes == once.shapes
