"""Precision of int8 networks as measured and said."""

import numpy as np
import pytest

from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip
from celosia.quant import choose, measure, quantized
from celosia.quant.ratio import ratio

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (400, 10)).astype(np.float32)


def mlp(first=1.0, last=1.0):
    rng = np.random.default_rng(5)
    return FloatNetwork(
        "m",
        (
            FloatDense(rng.normal(0, 0.4, (10, 12)) * first, np.zeros(12), function=clip(0)),
            FloatDense(rng.normal(0, 0.4, (12, 3)) * last, np.zeros(3)),
        ),
    )


def test_a_healthy_network():
    model = mlp()
    found = quantized(model, X)
    said = measure(found, model, X)
    network = found.network
    few = X[:256]
    y = network.finish(network.graph.evaluate(network.prepare(few))[-1])
    assert said.total == pytest.approx(ratio(model.forward(few), y), abs=1e-4)
    assert said.agreement == (y.argmax(1) == model.predict(few)).mean() > 0.97
    assert said.images == 256 and len(said.results) == 3 and said.total > 35
    assert [each.name for each in said.tensors] == ["input", "dense_0", "dense_1"]
    assert said.tensors[0].so_far == said.tensors[0].alone
    assert said.tensors[-1].so_far == pytest.approx(said.total, abs=0.1)
    # The noises add up: each alone is less, together they are what the results have.
    noise = sum(10 ** (-each.at_result / 10) for each in said.tensors)
    assert -10 * np.log10(noise) == pytest.approx(said.total, abs=1.5)
    assert said.warnings == []
    assert said.to_dict()["tensors"][1]["name"] == "dense_0"


def test_the_input_is_blamed(monkeypatch):
    """One feature a thousand times as large as all others, which alone have weights."""
    monkeypatch.setattr(choose, "GAIN", np.inf)
    factors = np.ones(10, np.float32)
    factors[0] = 1000
    model = mlp(first=(factors == 1)[:, None])
    said = measure(quantized(model, X * factors), model, X * factors)
    assert said.worst.name == "input" and said.total < 20
    (text,) = said.warnings[-1:]
    assert "less than 20 dB" in said.warnings[0] and "input loses most: give its features" in text


def test_a_result_without_a_bit_is_told(monkeypatch):
    monkeypatch.setattr(choose, "GAIN", np.inf)
    model = mlp(last=np.float32([1, 1000, 1000]))
    said = measure(quantized(model, X), model, X)
    assert said.total > 30 and said.least <= 0
    (text,) = said.warnings
    assert "the noise of 1 of 3 results is no less than their signal (number 0)" in text


def test_clipping_is_the_sample_s_fault():
    model = mlp()
    found = quantized(model, X[:50] / 4)
    said = measure(found, model, X)
    assert said.tensors[0].clipped > 0.5 and said.total < 20
    assert "of its values are clipped; calibrate with more inputs" in said.warnings[-1]
