"""Perceptrons on engines with convolution: several images of each row in one run."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import images, network
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.driver.device import Device
from celosia.driver.golden import GoldenTransport
from celosia.driver.rtl.transport import RtlTransport
from celosia.model import run
from celosia.network.graph import Graph
from celosia.predict.cycles import predict
from celosia.predict.workload import run_loads
from celosia.spec import Config

RNG = np.random.default_rng(3)
GRAPH = network(RNG, [30, 17, 9, 5])


@pytest.mark.parametrize(("rows", "per_row"), [(1, 16), (2, 8), (3, 5), (8, 2), (16, 1), (32, 1)])
def test_about_16_images_are_on_their_way(rows, per_row):
    image = compile(GRAPH, Config.default(rows, 4))
    assert image.model.images_per_row == per_row and image.batch == rows * per_row
    assert image.input_words == per_row * 8 and not image.stripes


def test_latency_asks_for_one_image_and_so_do_maps():
    config = MAP_CONFIGS["3x5"]
    assert compile(GRAPH, config, goal="latency").model.images_per_row == 1
    graphs = [random_graph(np.random.default_rng([seed, 3])) for seed in range(4)]
    maps = [graph for graph in graphs if graph.shapes[0][:2] != (1, 1)]
    assert maps
    for graph in maps:
        assert compile(graph, config).model.images_per_row == 1


def test_fewer_where_memory_is_short():
    config = Config.default(1, 4)
    for depth, per_row in ((24, 1), (47, 1), (48, 2), (96, 4), (200, 8), (384, 16)):
        image = compile(GRAPH, replace(config, act_depth=depth))
        assert image.model.images_per_row == per_row, depth
        x = images(np.random.default_rng(depth), GRAPH, 21)
        assert (run(image, x)[-1] == GRAPH.evaluate(x)[-1]).all()


def test_files_keep_it(tmp_path):
    image = compile(GRAPH, Config.default(2, 4))
    image.save(tmp_path / "stacked.celosia")
    assert Image.load(tmp_path / "stacked.celosia").model == image.model


@pytest.mark.parametrize("images_per_row", [0, -1, 7, 1 << 20, 2.0])
def test_files_that_contradict_it_are_refused(images_per_row):
    image = compile(GRAPH, Config.default(2, 4))
    with pytest.raises(ValueError, match=r"images_per_row|not what its descriptors make"):
        replace(image, model=replace(image.model, images_per_row=images_per_row))


def test_two_heads_on_the_golden_model():
    graph = Graph("heads", GRAPH.layers, GRAPH.reads, outputs=(2, 3))
    image = compile(graph, MAP_CONFIGS["3x5"])
    with Device(GoldenTransport(image.config)) as device:
        device.load(image)
        x = images(np.random.default_rng(2), graph, 23)
        for y, tensor in zip(device.run_layers(x), graph.outputs, strict=True):
            assert (y == graph.evaluate(x)[tensor - 1]).all()


@pytest.mark.parametrize("name", ["1x4", "3x5"])
def test_results_and_cycles_of_the_engine(name):
    config = MAP_CONFIGS[name]
    with Device(RtlTransport(config)) as device:
        for seed in range(4):
            print("seed", seed)
            rng = np.random.default_rng(seed)
            widths = rng.integers(1, 60, rng.integers(2, 6)).tolist()
            graph = network(rng, widths)
            image = compile(graph, config, emit_all=bool(seed % 2))
            assert image.batch == 16 // config.rows * config.rows
            device.load(image)
            x = images(rng, graph, int(rng.integers(1, 40)))
            for batch in (None, int(rng.integers(1, image.batch + 1))):
                device.counters(clear=True)
                found = device.run_layers(x, batch=batch)
                counted = device.counters() | {"cycles": device.cycles}
                expected = graph.evaluate(x) if seed % 2 else [graph.evaluate(x)[-1]]
                for y, want in zip(found, expected, strict=True):
                    assert (y == want).all()
                predicted = predict(config, run_loads(image, x, batch))
                assert counted == {each: getattr(predicted, each) for each in counted}
