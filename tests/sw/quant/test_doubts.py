"""Samples, inputs and labels that cannot be right."""

import re

import numpy as np
import pytest

from celosia.network.float_layers import FloatDense, FloatScale
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip
from celosia.quant import choose, quantized
from celosia.quant.doubts import about_inputs, about_labels, about_sample

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 100)).astype(np.float32)


def model(*before):
    rng = np.random.default_rng(1)
    dense = FloatDense(rng.normal(0, 0.2, (100, 5)), np.zeros(5), function=clip(0))
    return FloatNetwork("m", (*before, dense))


def doubts(x, network=None):
    network = network or model()
    return about_sample(quantized(network, x), network.prepare(x))


@pytest.mark.parametrize(
    "x, words",
    [
        (PIXELS[:1] / 255, "the sample is one input"),
        (np.full((40, 100), 0.5, np.float32), "all 4,000 values of the sample are 0.5"),
        (np.repeat(PIXELS[:1] / 255, 40, axis=0), "all 40 inputs of the sample are the same"),
        (PIXELS[:4] / 255, "the sample has 4 inputs only"),
        (PIXELS * 1e6, "9[0-9].[0-9]% of the sample's values are beyond 1e.06"),
        (PIXELS, "whole numbers of 0..255, [0-9]*% of them above 1, .* divided by 255"),
    ],
)
def test_samples(x, words):
    said = doubts(x)
    assert len(said) == 1 and re.search(words, said[0]), said
    assert said[0].endswith("calibrate with some hundred inputs as they will be")


def test_samples_without_a_doubt():
    assert doubts(PIXELS / 255) == []
    # A model that divides by 255 itself takes pixels; so does one whose weights have it.
    ones = np.ones(100, np.float32)
    assert doubts(PIXELS, model(FloatScale(ones / 255, 0 * ones))) == []
    folded = FloatNetwork("m", (FloatDense(model().layers[0].weights / 255, np.zeros(5)),))
    assert doubts(PIXELS, folded) == []


def test_inputs_far_from_the_sample(monkeypatch):
    monkeypatch.setattr(choose, "GAIN", np.inf)
    host = quantized(model(), PIXELS / 255).network.host
    assert about_inputs(host, PIXELS / 255) == []
    (said,) = about_inputs(host, PIXELS)
    assert "% of the input values are outside of 0..1, for which" in said and "0..255" in said
    (said,) = about_inputs(host, PIXELS / 255 / 255)
    assert "all input values are within 0.4% of 0..1" in said
    scaled = quantized(model(FloatScale(np.full(100, 1 / 255), np.zeros(100))), PIXELS).network
    assert about_inputs(scaled.host, PIXELS) == []
    assert "after the host's own scaling" in about_inputs(scaled.host, 255 * PIXELS)[0]
    assert about_inputs(host, PIXELS.astype(np.uint8)) == []


@pytest.mark.parametrize(
    "labels, words",
    [
        ([0, 1, 2], None),
        ([1, 2, 3, 1], "the labels are 1..3, 25.0% of them beyond the 3 classes.*subtract 1"),
        ([0, 7, -1, 2], "50.0% of the labels are beyond the 3 classes 0..2; they are -1..7"),
        ([], None),
    ],
)
def test_labels(labels, words):
    said = about_labels(np.array(labels, int), 3)
    if words is None:
        assert said == []
    else:
        assert len(said) == 1 and re.search(words, said[0]), said
