"""Factors per channel: exact in float, kept where they raise the measured ratio, and worth it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.random_floats import random_network

from celosia.network.float_graph import FloatGraph
from celosia.network.float_layers import (
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatMaxPool,
    FloatMean,
    FloatScale,
)
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip
from celosia.quant.equalize import equalized_input, equalized_layers, equalized_results
from celosia.quant.graph import int8_graph
from celosia.quant.quantize import quantized
from celosia.quant.ratio import each_ratio, mean_ratio, ratio
from celosia.quant.scales import settle


def results(found, x):
    network = found.network
    return network.finish(network.graph.evaluate(network.prepare(x))[-1]).reshape(len(x), -1)


def measured(model, x):
    """What was changed, and the mean ratio on the sample."""
    found = quantized(model, x)
    return found.changes, mean_ratio(model.forward(x).reshape(len(x), -1), results(found, x))


def test_ratios():
    assert ratio(np.ones(100), np.full(100, 1.1)) == pytest.approx(20)
    assert ratio(np.zeros(3), np.ones(3)) is None and ratio(np.ones(3), np.ones(3)) is None
    signal, result = np.ones((4, 3)), np.array([[1.1, 1, 0.99]] * 4)
    assert each_ratio(signal, result) == [pytest.approx(20), None, pytest.approx(40)]
    assert mean_ratio(signal, result) == pytest.approx((20 + 100 + 40) / 3)


@pytest.mark.parametrize("seed", range(40))
def test_exact_in_float(seed):
    """Every change of random networks leaves all results."""
    rng = np.random.default_rng([23, seed])
    model = random_network(rng)
    x = rng.normal(0, 1, (20, *model.input_shape)).reshape(20, -1)
    settled = settle(model.graph)
    real = settled.after(settled.graph.evaluate(settled.before(x).astype(float))[-1][1])
    entry = settled.before(x)
    outputs = settled.graph.evaluate(entry)
    for changed in (
        equalized_input(settled, entry, centred=False),
        equalized_input(settled, entry, centred=True),
        equalized_layers(settled, outputs),
        equalized_results(settled, outputs),
    ):
        if changed is not None:
            ours = changed.after(changed.graph.evaluate(changed.before(x).astype(float))[-1][1])
            assert ratio(real, ours) is None or ratio(real, ours) > 90


def unlike(rng, n=500):
    """Inputs of eight features like a wine's, and their means and deviations."""
    means = np.float32([13, 2.3, 2.4, 19, 100, 0.36, 0.96, 750])
    spread = np.float32([0.8, 1.1, 0.27, 3.3, 14, 0.12, 0.23, 310])
    return (means + spread * rng.normal(0, 1, (n, 8))).astype(np.float32), means, spread


def mlp(rng, *more, scale=1.0):
    layers = (
        FloatDense(rng.normal(0, 0.35, (8, 16)), rng.normal(0, 0.2, 16), function=clip(0)),
        FloatDense(rng.normal(0, 0.25, (16, 3)) * scale, rng.normal(0, 0.2, 3) * scale),
    )
    return layers


def test_normalization_inside_is_as_good_as_outside():
    rng = np.random.default_rng(1)
    x, means, spread = unlike(rng)
    layers = mlp(rng)
    inside = FloatNetwork("in", (FloatScale(1 / spread, -means / spread), *layers))
    folded = replace(
        layers[0],
        weights=layers[0].weights / spread[:, None],
        bias=layers[0].bias - (means / spread) @ layers[0].weights,
    )
    _, outside = measured(FloatNetwork("out", layers), (x - means) / spread)
    changes, own = measured(inside, x)
    assert changes == () and own > outside - 0.5
    # An importer that has multiplied it into the weights loses nothing, either.
    changes, own = measured(FloatNetwork("folded", (folded, layers[1])), x)
    assert changes == ("input", "centre") and own > outside - 1


def test_results_of_unlike_units():
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 1, (300, 8)).astype(np.float32)
    model = FloatNetwork("m", mlp(rng, scale=np.float32([1, 1000, 30])))
    found = quantized(model, x)
    each = each_ratio(model.forward(x), results(found, x))
    assert "results" in found.changes and min(each) > 30
    # Of classes the argmax of the bytes is that of the results: no factors.
    assert "results" not in quantized(replace(model, final="softmax"), x).changes
    units = FloatScale(np.float32([1, 1000, 30]), np.float32([0, 5, 0]))
    model = FloatNetwork("m", (*mlp(np.random.default_rng(2)), units))
    found = quantized(model, x)
    each = each_ratio(model.forward(x), results(found, x))
    assert "results" not in found.changes and min(each) > 30


@pytest.mark.parametrize("head", ["dense", "mean"])
def test_channels_of_unlike_range(head):
    """Depthwise channels of ranges 1 to 100: equalization gains ten decibels and more."""
    rng = np.random.default_rng(3)
    shape, spread = (6, 6, 8), np.geomspace(1, 100, 8).astype(np.float32)
    first = FloatConvolution(
        rng.normal(0, 0.5, (8, 3, 3, 2)) * spread[:, None, None, None],
        rng.normal(0, 0.1, 8) * spread,
        (6, 6, 2),
        (6, 6),
        padding=(1, 1),
        function=clip(0),
    )
    second = FloatDepthwise(
        rng.normal(0, 0.4, (3, 3, 8)) / spread,
        rng.normal(0, 0.1, 8),
        shape,
        (6, 6),
        padding=(1, 1),
        function=clip(0),
    )
    pool = FloatMaxPool(shape, (2, 2), (2, 2), (3, 3))
    flat = (3, 3, 8) if head == "dense" else (1, 1, 8)
    last = FloatDense(rng.normal(0, 0.3, (int(np.prod(flat)), 4)), np.zeros(4), flat)
    tail = (last,) if head == "dense" else (FloatMean((3, 3, 8)), last)
    model = FloatNetwork("m", (first, second, pool, *tail))
    x = rng.normal(0, 1, (300, 72)).astype(np.float32)
    settled = settle(model.graph)
    outputs = settled.graph.evaluate(x)
    changed = equalized_layers(settled, outputs)
    ranges = [
        np.abs(y[0][1]).reshape(-1, 8).max(axis=0) for y in (outputs, changed.graph.evaluate(x))
    ]
    assert np.ptp(np.log(ranges[0])) > 4 and np.ptp(np.log(ranges[1])) < 0.01
    changes, own = measured(model, x)
    assert "layers" in changes and own > 35


def test_biases_are_corrected():
    """Weights that all round the same way shift the sums of inputs that are never negative."""
    rng = np.random.default_rng(4)
    weights = np.full((200, 4), 0.3 / 127) * rng.integers(1, 3, (200, 4))
    weights[0] = 1.0
    graph = FloatGraph("m", (FloatDense(weights, np.zeros(4)),))
    x = rng.uniform(0.5, 1, (300, 200)).astype(np.float32)
    outputs = graph.evaluate(x)
    found = []
    for correct in (False, True):
        made = int8_graph(graph, x, outputs, "minmax", "m", correct)
        (y,) = made.evaluate(made.input.quantize(x))
        found.append(ratio(outputs[-1][1], made.output.dequantize(y)))
    assert found[0] < 25 and found[1] > found[0] + 10, found
