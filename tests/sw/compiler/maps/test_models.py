"""The MLPerf Tiny models: memory, cycles, and every tensor as their layers define it."""

from math import prod
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.random_graphs import map_config

from celosia.compiler import compile, needs
from celosia.compiler.maps.choose import cycles
from celosia.compiler.maps.lower import lower
from celosia.compiler.maps.plan import plan
from celosia.importer import load_model
from celosia.model import run
from celosia.support.errors import DoesNotFit

_FILES = {
    "AD": "ad01_int8",
    "KWS": "kws_ref_model",
    "IC": "pretrainedResnet_quant",
    "VWW": "vww_96_int8",
}


def network(models: Path, name: str):
    return load_model(models / f"{_FILES[name]}.tflite")


@pytest.mark.parametrize("shape", [(16, 16, 16), (8, 8, 8), (1, 64, 64)])
@pytest.mark.parametrize("name", _FILES)
def test_every_tensor(models_dir, name, shape):
    model = network(models_dir, name)
    graph = model.graph
    config = map_config(*shape)
    if shape == (1, 64, 64) and name in ("IC", "VWW"):
        # Its maps exceed the addresses of one row.
        with pytest.raises(DoesNotFit, match="activation words of 64 bytes"):
            compile(model, config)
        return
    x = np.load(models_dir / "samples" / f"{_FILES[name]}.npy").reshape(-1, prod(graph.shapes[0]))
    x = np.concatenate([x[:1], np.random.default_rng(1).integers(-128, 128, (1, x.shape[1]))])
    x = x.astype(np.int8)
    expected, modes = graph.evaluate(x), set()
    for goal in ("latency", "throughput"):
        image = compile(model, config, emit_all=True, goal=goal)
        if image.stripes in modes:
            continue
        modes.add(image.stripes)
        for index, y in enumerate(run(image, x)):
            assert (y == expected[index]).all(), f"{goal} {graph.layers[index].name}"


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        # Bytes a row with two input banks that no layer overwrites, and inputs copied whole.
        ("KWS", (16, 16, 16), 8832),
        ("KWS", (4, 16, 16), 10560),
        ("IC", (16, 16, 16), 5120 + 2 * 384),
        ("IC", (8, 8, 8), 8192 + 2 * 576),
        ("VWW", (16, 16, 16), 10192),
        ("VWW", (8, 8, 8), 15168),
    ],
)
def test_bytes_a_row_in_stripes(models_dir, name, shape, words):
    config = map_config(*shape)
    chosen = plan(lower(network(models_dir, name).graph, config), config, images=False)
    assert chosen is not None and chosen.depth * config.lanes == words


@pytest.mark.parametrize(
    ("name", "shape", "most"),
    [
        ("KWS", (16, 16, 16), 12_100),
        ("KWS", (8, 8, 8), 43_700),
        ("KWS", (1, 64, 64), 41_700),
        ("IC", (16, 16, 16), 52_800),
        ("IC", (8, 8, 8), 210_048),
        ("VWW", (16, 16, 16), 43_240),
        ("VWW", (8, 8, 8), 134_720),
    ],
)
def test_cycles_without_boundaries(models_dir, name, shape, most):
    config = map_config(*shape)
    assert cycles(lower(network(models_dir, name).graph, config), config, images=False) <= most


def test_needs_are_those_of_the_mode_that_fits(models_dir):
    config = map_config(16, 16, 16, act_depth=4096)
    assert needs(network(models_dir, "IC").graph, config)["act_depth"] == 55296 // 16
    config = map_config(16, 16, 16, act_depth=1024)
    assert needs(network(models_dir, "IC").graph, config)["act_depth"] == 5888 // 16
