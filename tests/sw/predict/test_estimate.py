"""Estimates from a model's structure against the cycle model on the compiled model."""

import numpy as np
import pytest
from tests.helpers.networks import network

from celosia.compiler import compile
from celosia.network.outline import LayerOutline, Outline
from celosia.predict import estimate
from celosia.predict.cycles import predict
from celosia.predict.workload import dense_load
from celosia.spec import Config

DENSE = [
    Config.default(16, 16, convolution=0),
    Config.default(1, 64, convolution=0),
    Config.default(3, 5, lanes=1, convolution=0),
]
MAPS = [Config.default(16, 16), Config.default(1, 64), Config.default(3, 5, lanes=1)]


def name(config: Config) -> str:
    return f"{config}{'-maps' * config.convolution}"


def outline(*widths: int) -> Outline:
    pairs = zip(widths, widths[1:], strict=False)
    return Outline("m", "", (), tuple(LayerOutline(f"l{i}", *pair) for i, pair in enumerate(pairs)))


@pytest.mark.parametrize("config", DENSE + MAPS, ids=name)
def test_a_small_model_is_predicted_as_it_is_compiled(config):
    graph = network(np.random.default_rng(1), [70, 33, 90, 7])
    image = compile(graph, config)
    found = estimate.estimate(Outline.of(graph, ""), config)
    assert found.exact
    assert found.latency == predict(config, [dense_load(image, 1)]).cycles
    cycles = [predict(config, [dense_load(image, image.batch)] * n).cycles for n in (9, 11)]
    assert found.images == image.batch
    assert found.per_run == (cycles[1] - cycles[0]) / 2
    assert len(found.layers) == 3


@pytest.mark.parametrize("config", DENSE, ids=str)
@pytest.mark.parametrize("widths", [(500, 600, 300, 10), (200, *[256] * 9, 33)], ids=len)
def test_a_large_model_is_predicted_from_its_periods(config, widths, monkeypatch):
    monkeypatch.setattr(estimate, "_EXACT_WORDS", 0)
    quick = estimate.estimate(outline(*widths), config)
    monkeypatch.setattr(estimate, "_EXACT_WORDS", 1 << 60)
    whole = estimate.estimate(outline(*widths), config)
    assert whole.exact and not quick.exact
    assert quick.latency == pytest.approx(whole.latency, rel=0.005)
    assert quick.per_run == pytest.approx(whole.per_run, rel=0.005)
    assert quick.layers == pytest.approx(whole.layers, rel=0.02, abs=60)
