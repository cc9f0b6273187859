"""Estimates of convolutional networks against the cycle model on the compiled program."""

import numpy as np
import pytest
from tests.helpers.random_graphs import map_config, random_graph

from celosia.cli.outline import read_outline
from celosia.compiler import compile
from celosia.compiler.maps.mapped import map_graph
from celosia.network.folding import fold_channels
from celosia.network.outline import Outline
from celosia.predict import maps
from celosia.predict.check import Check
from celosia.predict.cycles import predict
from celosia.predict.map_work import MapWork
from celosia.predict.workload import run_loads
from celosia.spec import Config
from celosia.support.errors import DoesNotFit

CONFIGS = [map_config(4, 8, 4), map_config(3, 5, 5), map_config(1, 16, 8), map_config(16, 16, 16)]
EVERYTHING = 1 << 60


def _work(seed: int, config) -> tuple:
    """A random graph, its program image, and its work; other seeds where it does not fit."""
    for further in range(100):
        graph = random_graph(np.random.default_rng([seed, further]))
        try:
            image = compile(graph, config)
        except DoesNotFit:
            continue
        folded = fold_channels(graph).graph
        return graph, image, MapWork.of(folded, map_graph(folded, config, "throughput"), config)
    raise AssertionError("no graph fits")


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_the_work_of_a_graph_is_that_of_its_image(config, seed):
    graph, image, work = _work(seed, config)
    compiled = MapWork.of_image(image)
    assert compiled.loads == work.loads
    assert compiled.kernels == work.kernels
    assert compiled.lives == work.lives
    assert (compiled.rows, compiled.images, compiled.input_words, compiled.bank) == (
        *(work.rows, work.images, work.input_words, work.bank),
    )
    assert work.depth <= config.act_depth
    needs = [work.layer_words(index) for index in range(len(graph.layers))]
    assert sum(each[0] for each in needs) * config.cols == len(image.sections[0])


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_a_check_says_what_the_counters_will(config, seed):
    graph, image, work = _work(seed, config)
    x = np.zeros((9 * image.batch, image.model.inputs), np.int8)
    runs = run_loads(image, x, skip=False)
    check = Check(Outline.of(graph, ""), config, 100.0)
    assert check.estimate.exact
    cycles = [predict(config, runs[:count]).cycles for count in (7, 9)]
    assert check.estimate.per_run == (cycles[1] - cycles[0]) / 2
    alone = run_loads(image, x[:1], skip=False)
    assert check.estimate.latency == predict(config, alone).cycles
    again = Check(Outline.of(graph, ""), config, 100.0, image)
    assert again.estimate == check.estimate
    assert sum(need.cycles for need in check.layers) <= check.estimate.per_run


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_the_sum_leaves_out_what_passes_between_layers(config, seed):
    _, _, work = _work(seed, config)
    whole, quick = maps.estimate_maps(work, EVERYTHING), maps.estimate_maps(work, 0)
    assert whole.exact and not quick.exact
    assert quick.images == whole.images
    for a, b in ((whole.per_run, quick.per_run), (whole.latency, quick.latency)):
        assert -25 <= (a - b) / len(work.loads) <= 80


@pytest.mark.parametrize(
    "name, shape, most",
    [
        ("kws_ref_model", (4, 16), 0.001),
        ("kws_ref_model", (1, 32), 0.001),
        ("vww_96_int8", (4, 16), 0.006),
        ("ad01_int8", (4, 16), 0.001),
    ],
)
def test_the_sum_is_close_for_long_layers(models_dir, name, shape, most):
    graph = fold_channels(read_outline(models_dir / f"{name}.tflite").graph).graph
    config = Config.default(*shape)
    work = MapWork.of(graph, map_graph(graph, config, "throughput"), config)
    whole, quick = maps.estimate_maps(work, EVERYTHING), maps.estimate_maps(work, 0)
    assert quick.per_run == pytest.approx(whole.per_run, rel=most)
    assert quick.latency == pytest.approx(whole.latency, rel=0.01)
    assert quick.layers == pytest.approx(whole.layers, rel=0.02, abs=200)
