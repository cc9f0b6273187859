"""Layers read from .tflite files give LiteRT's bytes, tensor by tensor."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.litert import Op, Tensor, build, run
from tests.helpers.random_models import fully_connected, random_model

from celosia.importer.tflite import read_tflite, tflite_network
from celosia.model.reference import evaluate
from celosia.network.graph import Graph

_SEEDS, _GROUPS = 200, 8


def test_ad01_every_layer(models_dir):
    path = models_dir / "ad01_int8.tflite"
    network = read_tflite(path)
    assert len(network.graph.layers) == 10 and network.graph.macs == 264_192
    assert not network.notes
    x = np.random.default_rng(1).integers(-128, 128, (400, 640)).astype(np.int8)
    tensors = run(path.read_bytes(), x)
    # A layer has the first of its tensor's names.
    judge = {name.split(";")[0]: tensor for name, tensor in tensors.items()}
    for layer, y in zip(network.graph.layers, evaluate(network.graph, x), strict=True):
        assert np.array_equal(y, judge[layer.name]), layer.name


@pytest.mark.parametrize("group", range(_GROUPS))
def test_random_models_every_tensor(group):
    for seed in range(group, _SEEDS, _GROUPS):
        rng = np.random.default_rng(seed)
        data, inputs, results = random_model(rng)
        graph = tflite_network(data).graph
        x = rng.integers(-128, 128, (40, inputs)).astype(np.int8)
        x[:2] = [[-128], [127]]
        judge = run(data, x)
        previous = x
        outputs = evaluate(graph, x)
        for layer, y, name in zip(graph.layers, outputs, results, strict=True):
            _same(y, judge[name], seed, name)
            if layer.table is not None:
                bare = Graph("bare", (replace(layer, table=None, table_output=None),))
                _same(evaluate(bare, previous)[0], judge[layer.name], seed, layer.name)
            previous = y


def _same(y: np.ndarray, expected: np.ndarray, seed: int, name: str) -> None:
    bad = np.argwhere(y != expected)
    assert not len(bad), (
        f"seed {seed}, {name}, first of {len(bad)} at {bad[0]}: "
        f"{y[tuple(bad[0])]} not {expected[tuple(bad[0])]}"
    )


@pytest.mark.parametrize("power_of_two", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("exponent", range(-15, 7, 3))
def test_sums_next_to_every_tie(exponent, per_channel, power_of_two):
    """Weights of 0: the bias alone is the sum, so that sums can be put next to each step."""
    rng = np.random.default_rng([exponent + 99, per_channel, power_of_two])
    source, scale = np.float32(0.25), np.float32(2.0 if power_of_two else rng.uniform(1, 2))
    target = np.float32(0.5 * 2.0**-exponent)
    zero_point = int(rng.integers(-100, 100))
    real = float(source) * float(scale) / float(target)
    steps = np.arange(-130 - zero_point, 130 - zero_point) + 0.5
    bias = (np.round(steps / real)[:, None] + np.arange(-2, 3)).ravel().astype(np.int32)
    n = len(bias)
    scales = np.full(n, scale) if per_channel else scale
    data = build(
        [
            Tensor((1, 1), "int8", source, 0),
            Tensor((n, 1), "int8", scales, 0, np.zeros((n, 1), np.int8)),
            Tensor((n,), "int32", np.atleast_1d(source * scales), 0, bias),
            Tensor((1, n), "int8", target, zero_point, name="y"),
        ],
        [Op("FULLY_CONNECTED", [0, 1, 2], [3], fully_connected())],
        [0],
        [3],
    )
    x = np.zeros((1, 1), np.int8)
    network = tflite_network(data)
    assert not network.notes
    _same(evaluate(network.graph, x)[0], run(data, x)["y"], exponent, "y")
