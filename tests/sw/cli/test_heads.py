"""A model with two heads: commands and driver give each by name, shape and quantization."""

import json

import numpy as np
import pytest
from tests.helpers.two_heads import NAMES, expected, two_heads

import celosia as package
from celosia.compiler import compile
from celosia.importer.tflite import tflite_network
from celosia.network.graph import Graph
from celosia.network.network_file import load_network, save_network
from celosia.spec import Config
from celosia.support.errors import CelosiaError

ENGINE = ("--rows", 2, "--cols", 8, "--convolution", 1, "--depthwise", 1)
DATA = two_heads()
NETWORK = tflite_network(DATA)
X = np.random.default_rng(0).integers(-128, 128, (5, 6, 5, 3)).astype(np.int8)
#: Of the layers' results.
SCORES, BOXES = (NETWORK.graph.layers[tensor - 1].result for tensor in NETWORK.graph.outputs)
OUTPUTS = [
    {"name": "scores", "shape": [7], "dtype": "float32", "scale": None, "zero_point": None},
    {
        "name": "boxes",
        "shape": [3, 3, 4],
        "dtype": "int8",
        "scale": BOXES.scale,
        "zero_point": BOXES.zero_point,
    },
]


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "heads.tflite"
    path.write_bytes(DATA)
    np.save(tmp_path / "x.npy", X)
    return path


def same(results) -> None:
    judge = expected(DATA, X)
    assert tuple(results) == NAMES
    for name in NAMES:
        assert results[name].dtype == judge[name].dtype
        assert results[name].shape == judge[name].shape
        assert np.array_equal(results[name], judge[name]), name


def test_run(celosia, model, tmp_path):
    x, y, found = (tmp_path / name for name in ("x.npy", "y.npz", "run.json"))
    ran = celosia("run", model, *ENGINE, "--input", x, "-o", y, "--json", found)
    assert ran.status == 0, ran
    same(np.load(y))
    results = [each | {"mismatches": 0} for each in OUTPUTS]
    assert json.loads(found.read_text())["results"] == results
    ran = celosia("run", model, *ENGINE, "--input", x, "--jobs", 2)
    for index in range(len(X)):
        for name in NAMES:
            assert f"input {index}: {name} [" in ran.out


def test_results_that_one_array_does_not_hold(celosia, model, tmp_path):
    x, labels = tmp_path / "x.npy", tmp_path / "labels.npy"
    np.save(labels, np.zeros(5, int))
    before = set(tmp_path.iterdir())
    for options, says in (
        (("-o", tmp_path / "y.npy"), "y.npy: the model has 2 outputs (scores, boxes); give a .npz"),
        (("--labels", labels), "--labels: the model has 2 outputs (scores, boxes)"),
    ):
        ran = celosia("run", model, *ENGINE, "--input", x, *options)
        assert ran.status == 2 and says in ran.err and ran.err.count("\n") == 1, ran
        assert set(tmp_path.iterdir()) == before


def test_diff(celosia, model, tmp_path):
    found = tmp_path / "diff.json"
    ran = celosia("diff", model, *ENGINE, "--input", tmp_path / "x.npy", "--json", found)
    assert ran.status == 0, ran
    document = json.loads(found.read_text())
    assert document["outputs"] == OUTPUTS
    names = [tensor["name"] for tensor in document["tensors"]]
    assert names[-1] == "output scores" and "boxes" in names
    for against in ("litert", "reference"):
        arguments = ("diff", model, *ENGINE, "--random", 3, "--against", against)
        assert celosia(*arguments).status == 0


@pytest.mark.parametrize("kind", ["tflite", "npz", "celosia"])
def test_info(celosia, model, tmp_path, kind):
    path, found = tmp_path / f"m.{kind}", tmp_path / "info.json"
    if kind == "tflite":
        path = model
    elif kind == "npz":
        save_network(NETWORK, path)
        assert load_network(path).heads == NETWORK.heads
    else:
        assert celosia("compile", model, *ENGINE, "-o", path).status == 0
    ran = celosia("info", path, "--json", found)
    assert ran.status == 0 and "name boxes, shape [3, 3, 4], dtype int8" in ran.out
    document = json.loads(found.read_text())
    assert document["outputs"] == OUTPUTS
    assert document["output"] == SCORES.to_dict() == NETWORK.graph.output.to_dict()


def test_check(celosia, model):
    ran = celosia("check", model, *ENGINE)
    assert ran.status == 0 and "fits the 2x8 engine" in ran.out


@pytest.mark.parametrize("goal", ["throughput", "latency"])
@pytest.mark.parametrize("emit_all", [False, True])
def test_python(goal, emit_all):
    config = Config.default(4, 8, convolution=1, depthwise=1)
    image = compile(NETWORK, config, emit_all=emit_all, goal=goal)
    assert image.model.describe_results() == NETWORK.describe_heads() == OUTPUTS
    assert image.model.output == SCORES and image.model.outputs == 7
    with package.open("golden", image) as device:
        same(device.run_heads(X))
        assert {len(y) for y in device.run_heads(X[:0]).values()} == {0}
        says = "^model: the model has 2 outputs: scores, boxes; use run_heads$"
        with pytest.raises(CelosiaError, match=says):
            device.run(X)


def test_a_bare_graph_has_the_names_of_its_layers():
    graph: Graph = NETWORK.graph
    image = package.compile(graph, Config.default(4, 8, convolution=1, depthwise=1))
    names = [graph.layers[tensor - 1].name for tensor in graph.outputs]
    with package.open("golden", image) as device:
        results = device.run_heads(X.reshape(5, -1))
    assert list(results) == names
    assert np.array_equal(results[names[1]], expected(DATA, X)["boxes"].reshape(5, -1))


def test_one_head_is_run_by_either():
    graph = Graph("one", NETWORK.graph.layers[:1])
    image = package.compile(graph, Config.default(4, 8, convolution=1, depthwise=1))
    with package.open("golden", image) as device:
        (y,) = device.run_heads(X.reshape(5, -1)).values()
        assert np.array_equal(y, device.run(X.reshape(5, -1)))
