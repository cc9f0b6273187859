"""Engines with convolution in compiled simulation: every byte and counter is the golden model's."""

import numpy as np
import pytest
from tests.conftest import EVERY_FAMILY
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph
from tests.helpers.rtl_cnns import compare
from tests.helpers.two_heads import expected, two_heads

from celosia.compiler import compile
from celosia.driver.device import Device
from celosia.driver.golden import GoldenTransport
from celosia.driver.rtl.transport import RtlTransport
from celosia.importer.tflite import read_tflite, tflite_network
from celosia.spec import Config
from celosia.support.errors import CelosiaError

#: The others take longer to compile; `make netlist` has all.
SOME = ("3x5", "4x12-lanes4")
GRAPHS, IMAGES = 6, 3
CNNS = 40 if EVERY_FAMILY else 5
COUNTED = ("issued", "skipped", "images")


def device(config: Config, seed: int) -> Device:
    """An engine with other stalls for every seed."""
    stall = 0.3 * (seed % 3)
    return Device(RtlTransport(config, stall_input=stall, stall_output=stall, seed=seed))


@pytest.mark.parametrize("name", MAP_CONFIGS if EVERY_FAMILY else SOME)
def test_random_graphs(name):
    config, ran = MAP_CONFIGS[name], 0
    for seed in range(GRAPHS):
        print("seed", seed)
        rng = np.random.default_rng([seed, config.rows])
        graph = random_graph(rng)
        x = rng.integers(-128, 128, (IMAGES, graph.layers[0].inputs)).astype(np.int8)
        engine, golden = device(config, seed), Device(GoldenTransport(config))
        for goal in ("throughput", "latency"):
            try:
                image = compile(graph, config, emit_all=True, goal=goal)
            except CelosiaError:  # too large, or an addition that no weights give
                continue
            ran += 1
            results = []
            for each in (engine, golden):
                each.load(image)
                each.counters(clear=True)
                layers = each.run_layers(x, skip=seed % 4 != 3)
                counters = each.counters()
                results.append((layers, {name: counters[name] for name in COUNTED}))
            (layers, counted), (expected, wanted) = results
            for index, (mine, theirs) in enumerate(zip(layers, expected, strict=True)):
                assert (mine == theirs).all(), f"{goal}, {graph.layers[index]}"
            assert counted == wanted, goal
    assert ran > GRAPHS


@pytest.mark.parametrize("goal", ["throughput", "latency"])
def test_two_heads(goal):
    """By name, as LiteRT's; the order of the heads is not that of the layers."""
    data = two_heads()
    network = tflite_network(data)
    x = np.random.default_rng(1).integers(-128, 128, (4, 6, 5, 3)).astype(np.int8)
    engine = device(MAP_CONFIGS[SOME[0]], 1)
    engine.load(compile(network, engine.config, goal=goal))
    judge = expected(data, x)
    for name, y in engine.run_heads(x).items():
        assert np.array_equal(y, judge.pop(name)), name
    assert not judge


@pytest.mark.parametrize("name", MAP_CONFIGS if EVERY_FAMILY else SOME)
def test_random_cnns(name):
    """Files with LiteRT as their judge, and all counters (`make networks`)."""
    with Device(RtlTransport(MAP_CONFIGS[name])) as engine:
        found = compare(engine, CNNS)
    print(name, found)
    assert not found.first
    assert found.networks == CNNS and found.bytes > 1000 * CNNS
    assert found.counts == 9 * found.runs and found.runs == CNNS * (1 + (engine.config.rows > 1))


MODELS = ("kws_ref_model", "pretrainedResnet_quant", "vww_96_int8", "ad01_int8")


@pytest.mark.parametrize("shape", [(16, 16), (8, 8)] if EVERY_FAMILY else [(4, 8)], ids=str)
def test_published_models(shape, models_dir):
    config = Config.default(*shape, convolution=1, depthwise=1)
    with Device(RtlTransport(config)) as engine:
        for name in MODELS if EVERY_FAMILY else MODELS[:1]:
            graph = read_tflite(models_dir / f"{name}.tflite").graph
            x = np.load(models_dir / "samples" / f"{name}.npy")
            x = x.reshape(len(x), -1)[: None if EVERY_FAMILY else 1]
            engine.load(compile(graph, config, emit_all=True))
            expected = graph.evaluate(x)
            for mine, theirs in zip(engine.run_layers(x), expected, strict=True):
                assert (mine == theirs).all(), name
