"""The cycle model against the engine's RTL: every number equal, never nearly."""

import numpy as np
import pytest
from tests.helpers.networks import images, network
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.driver import Device
from celosia.driver.rtl.transport import RtlTransport
from celosia.predict.cycles import LayerLoad, RunLoad, predict
from celosia.predict.workload import dense_load, run_loads
from celosia.spec import Config
from celosia.spec.timing import CLAIM_LATENCY, MULTICYCLE_CYCLES
from celosia.support.errors import CelosiaError

CONFIGS = [
    Config.default(3, 5),
    Config.default(1, 128),
    Config.default(8, 8, link_bytes=16),
    Config.default(4, 12, lanes=4, link_bytes=2),
    Config.default(5, 8, lanes=8, requantizers=2, link_bytes=1),
    Config.default(2, 8, lanes=4, requantizers=1),
    Config.default(
        1, 8, lanes=4, requantizers=1, link_bytes=1, requantizer_cycles=MULTICYCLE_CYCLES
    ),
    Config.default(2, 8, lanes=8, requantizers=4, requantizer_cycles=MULTICYCLE_CYCLES),
]

#: Engines with convolution: one of each kind of the others.
MAPS = ("3x5", "4x12-lanes4")


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_prediction_is_what_the_engine_counts(config):
    seed = 20 + config.rows
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    with Device(RtlTransport(config)) as device:
        for _ in range(8):
            widths = rng.integers(1, rng.choice([12, 60, 250]), rng.integers(2, 7)).tolist()
            graph = network(rng, widths)
            image = compile(graph, config, emit_all=bool(rng.integers(2)))
            device.load(image)
            x = images(rng, graph, int(rng.integers(1, 6 * config.rows)))
            # Whole input bytes that are 0 in every image, so that words are dropped.
            x[:, rng.random(x.shape[1]) < rng.choice([0, 0.5, 1])] = -128
            for skip in (True, False):
                device.counters(clear=True)
                device.run(x, skip=skip)
                counted = device.counters() | {"cycles": device.cycles}
                predicted = predict(config, run_loads(image, x, skip=skip))
                assert counted == {name: getattr(predicted, name) for name in counted}, widths


@pytest.mark.parametrize("name", MAPS)
def test_prediction_on_maps_is_what_the_engine_counts(name):
    config, ran = MAP_CONFIGS[name], set()
    with Device(RtlTransport(config)) as device:
        for seed in range(8):
            print("seed", seed)
            rng = np.random.default_rng([seed, config.rows])
            graph = random_graph(rng)
            try:
                image = compile(graph, config, bool(seed % 2), ("throughput", "latency")[seed // 4])
            except CelosiaError:  # too large, or an addition that no weights give
                continue
            ran.add(image.stripes)
            device.load(image)
            x = rng.integers(-128, 128, (int(rng.integers(1, 5)), graph.layers[0].inputs))
            x = np.where(rng.random(x.shape) < rng.choice([0, 0.5, 1]), -128, x).astype(np.int8)
            for skip in (True, False):
                device.counters(clear=True)
                device.run_layers(x, skip=skip)
                counted = device.counters() | {"cycles": device.cycles}
                predicted = predict(config, run_loads(image, x, skip=skip))
                assert counted == {name: getattr(predicted, name) for name in counted}
    assert True in ran


@pytest.mark.parametrize("convolution", [0, 1])
def test_dense_load_is_the_load_without_skipping(convolution):
    rng = np.random.default_rng(3)
    config = Config.default(2, 8, convolution=convolution)
    graph = network(rng, [30, 9, 70, 5])
    image = compile(graph, config)
    x = images(rng, graph, 5)
    sizes = [5] if convolution else [2, 2, 1]
    loads = [dense_load(image, n) for n in sizes]
    assert run_loads(image, x, skip=False) == loads


def test_layer_cycles_add_up_to_the_time_between_first_start_and_last_arrival():
    config = Config.default(2, 8)
    image = compile(network(np.random.default_rng(4), [30, 40, 7]), config)
    predicted = predict(config, [dense_load(image, 2)])
    assert sum(predicted.layer_cycles) == predicted.busy + 1
    assert len(predicted.layer_cycles) == 2


def test_what_layers_count_adds_up():
    config = Config.default(3, 5)
    rng = np.random.default_rng(5)
    graph = network(rng, [30, 40, 7, 21])
    predicted = predict(config, run_loads(compile(graph, config), images(rng, graph, 14)))
    assert sum(predicted.layer_issued) == predicted.issued
    assert sum(predicted.layer_stall_drain) == predicted.stall_drain
    spent = zip(predicted.layer_cycles, predicted.layer_issued, strict=True)
    assert all(cycles >= issued > 0 for cycles, issued in spent)


@pytest.mark.parametrize("convolution", [0, 1])
def test_a_layer_is_charged_what_it_issues_while_others_overlap_it(convolution):
    config = Config.default(2, 8, convolution=convolution)
    rng = np.random.default_rng(6)
    graph = network(rng, [60, 16, 12])
    image = compile(graph, config)
    x = images(rng, graph, 8)
    runs = run_loads(image, x, skip=False)
    predicted = predict(config, runs)
    # Every run walks all inputs of a layer once for each tile of its outputs.
    walked = [sum(run.layers[i].tiles * _bytes(run.layers[i]) for run in runs) for i in range(2)]
    assert predicted.layer_issued == walked
    assert sum(predicted.layer_issued) == predicted.issued


def _bytes(load) -> int:
    return sum(sum(each) if isinstance(each, tuple) else each for each in load.needed)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 17])
@pytest.mark.parametrize(
    "config",
    [
        Config.default(3, 8),
        Config.default(3, 8, lanes=4),
        Config.default(3, 4, requantizers=2),
        Config.default(3, 4, requantizer_cycles=MULTICYCLE_CYCLES),
    ],
    ids=lambda config: f"l{config.lanes}r{config.requantizers}c{config.requantizer_cycles}",
)
def test_tiles_follow_each_other_as_fast_as_they_are_computed_or_drained(config, k, images):
    needed = tuple(min(config.lanes, k - start) for start in range(0, k, config.lanes))

    def cycles(tiles: int, emit: bool) -> int:
        large = LayerLoad(None, tiles, not emit, emit, needed, k)
        last = LayerLoad(None, 1, False, True, needed, k)
        return predict(config, [RunLoad(images, len(needed), (large, last))]).cycles

    pace = max(k, images * config.params_per_tile * config.requantizer_cycles)
    assert cycles(80, False) - cycles(40, False) == 40 * pace
    # Results on their way to the host may fill the queue so far that no tile is claimed ahead.
    assert 40 * pace <= cycles(80, True) - cycles(40, True) < 40 * (pace + CLAIM_LATENCY)
