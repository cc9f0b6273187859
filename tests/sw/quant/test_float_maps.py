"""Random float networks on maps, quantized: every byte is LiteRT's, and they are near the reals."""

import hashlib
import os

import numpy as np
import pytest
from tests.helpers.litert import run
from tests.helpers.litert_graph import tflite_of
from tests.helpers.random_floats import random_network

from celosia.network.float_graph import FloatGraph
from celosia.network.float_layers import FloatConvolution, FloatDense, FloatScale
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip, function, to_text
from celosia.network.layer_file import layer_arrays
from celosia.network.network_file import network_from_bytes, network_to_bytes
from celosia.quant import METHODS, choose, quantize
from celosia.quant.quantize import quantized
from celosia.quant.scales import settle
from celosia.support.errors import Unsupported

_COUNT = int(os.environ.get("CELOSIA_RANDOM_FLOATS", "60"))


def sample(rng, network, n):
    return rng.normal(0.3, 1, (n, *network.input_shape)).astype(np.float32)


@pytest.mark.parametrize("group", range(6))
def test_every_byte_is_litert_s(group):
    for number in range(group, _COUNT, 6):
        rng = np.random.default_rng([17, number])
        model = random_network(rng)
        found = quantized(model, sample(rng, model, 40), METHODS[number % 3])
        graph = found.network.graph
        x = np.concatenate([sample(rng, model, 3), 5 * sample(rng, model, 1)])
        q = found.network.prepare(x)
        data = tflite_of(found.graph, graph)
        judge = run(data, q.reshape(-1, *graph.shapes[0]), resize=False)
        for index, y in enumerate(graph.evaluate(q)):
            expected = judge[f"result {index}"].reshape(len(x), -1)
            assert np.array_equal(y, expected), (
                f"network {number}, {graph.layers[index].name}: {(y != expected).sum()} of {y.size}"
            )


def test_near_the_reals():
    """30 dB at the median; what is below 15 dB is a network whose results are nearly constant."""
    found = []
    for number in range(60):
        rng = np.random.default_rng([18, number])
        model = random_network(rng)
        network = quantize(model, sample(rng, model, 100), "minmax")
        x = sample(rng, model, 50)
        real = model.forward(x).reshape(50, -1).astype(np.float64)
        ours = network.finish(network.graph.evaluate(network.prepare(x))[-1]).reshape(50, -1)
        found.append(10 * np.log10(np.square(real).sum() / np.square(ours - real).sum()))
    assert np.median(found) > 30 and np.quantile(found, 0.1) > 15, np.sort(found)


@pytest.mark.parametrize("seed", range(40))
def test_settling_changes_no_result(seed):
    rng = np.random.default_rng([19, seed])
    model = random_network(rng)
    x = sample(rng, model, 10).reshape(10, -1).astype(np.float64)
    settled = settle(model.graph)
    kinds = {layer.kind for layer in settled.graph.layers}
    assert "scale" not in kinds
    ours = settled.after(settled.graph.evaluate(settled.before(x).astype(np.float64))[-1][1])
    real = model.graph.evaluate(x)[-1][1]
    assert np.square(ours - real).sum() <= 1e-10 * np.square(real).sum()


def scale(n, shape=None, **more):
    rng = np.random.default_rng(n)
    return FloatScale(rng.uniform(0.5, 2, n), rng.normal(0, 1, n), shape, **more)


def test_where_factors_end_up():
    rng = np.random.default_rng(0)
    dense = FloatDense(rng.normal(0, 1, (4, 4)), np.zeros(4))
    relu = FloatDense(rng.normal(0, 1, (4, 4)), np.zeros(4), function=clip(0))

    def kinds(*layers):
        settled = settle(FloatGraph("g", layers))
        return [each.kind for each in settled.graph.layers], settled

    names, settled = kinds(scale(4), scale(4), dense, scale(4))
    assert names == ["dense"] and not settled.before.is_nothing and not settled.after.is_nothing
    assert np.array_equal(settled.graph.layers[0].weights, dense.weights)
    names, settled = kinds(relu, scale(4), dense)  # into the next layer
    assert names == ["dense", "dense"] and settled.before.is_nothing and settled.after.is_nothing
    names, settled = kinds(dense, scale(4, function=clip(0)), dense)
    assert names == ["dense", "dense"] and settled.graph.layers[0].function == clip(0)
    # Padded: a summand would be at the border, too.
    shape = (3, 3, 4)
    conv = FloatConvolution(
        rng.normal(0, 1, (4, 3, 3, 4)), np.zeros(4), shape, (3, 3), padding=(1, 1)
    )
    relu = FloatConvolution(
        conv.weights, conv.bias, shape, (3, 3), padding=(1, 1), function=clip(0)
    )
    names, _ = kinds(relu, scale(4, shape), conv)
    assert names == ["convolution", "depthwise", "convolution"]
    factors = FloatScale(np.full(4, 2.0), np.zeros(4), shape)
    assert kinds(relu, factors, conv)[0] == ["convolution", "convolution"]
    each = scale(36, shape)
    with pytest.raises(Unsupported, match="a factor for each of 36 values between two layers"):
        kinds(relu, each, conv)
    assert kinds(each, conv)[0] == ["convolution"]


def test_chains_of_dense_layers_are_as_ever(monkeypatch):
    """Digests of what the first release made of it; its sums are exact on any machine.

    Where no change of `chosen` raises the ratio, that is; here no change is enough.
    """
    monkeypatch.setattr(choose, "GAIN", np.inf)
    rng = np.random.default_rng(5)
    pairs = ((24, 20), (20, 16), (16, 6))
    weights = [rng.integers(-64, 65, pair).astype(np.float32) / 64 for pair in pairs]
    biases = [rng.integers(-32, 33, n).astype(np.float32) / 32 for _, n in pairs]
    x = rng.integers(0, 33, (200, 24)).astype(np.float32) / 32
    tanh = to_text(function("tanh"))
    model = FloatNetwork.from_arrays(weights, biases, ["relu", tanh, "none"], name="plain")
    expected = {
        "minmax": "983746c31a62bf83",
        "percentile": "98fd3d6b4893460a",
        "mse": "84f22946dd5a3285",
    }
    for method in METHODS:
        digest = hashlib.sha256()
        for layer in quantize(model, x, method).graph.layers:
            for _, array in sorted(layer_arrays(layer).items()):
                digest.update(array.tobytes())
            ends = layer.input, layer.result
            numbers = [each for q in ends for each in (q.scale, q.zero_point)]
            digest.update(repr((layer.name, layer.clamp, *numbers)).encode())
        assert digest.hexdigest()[:16] == expected[method], method


def test_channels_first():
    rng = np.random.default_rng(2)
    conv = FloatConvolution(rng.normal(0, 1, (3, 1, 1, 2)), np.zeros(3), (4, 5, 2), (4, 5))
    own = scale(2, (4, 5, 2))
    model = FloatNetwork(
        "first",
        (own, conv, scale(3, (4, 5, 3))),
        (2, 4, 5),
        (3, 4, 5),
        input_axes=(1, 2, 0),
        output_axes=(2, 0, 1),
    )
    x = rng.normal(0, 1, (20, 2, 4, 5)).astype(np.float32)
    network = quantize(model, x)
    steps = [type(step).__name__ for step in (*network.host.pre, *network.host.post)]
    assert steps == ["Reorder", "Scale", "Quantize", "Dequantize", "Scale", "Reorder"]
    again = network_from_bytes(network_to_bytes(network))
    assert again.host == network.host
    real = model.forward(x)
    ours = again.finish(again.graph.evaluate(again.prepare(x))[-1])
    assert ours.shape == real.shape == (20, 3, 4, 5)
    assert np.abs(ours - real).max() < 0.03 * np.abs(real).max()
