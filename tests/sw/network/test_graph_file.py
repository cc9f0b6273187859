"""Quantized graphs as files: every bit comes back, and nothing else gets in."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import images, network

from celosia.model import evaluate
from celosia.network.graph import Graph
from celosia.network.graph_file import graph_from_bytes, graph_to_bytes, load_graph, save_graph
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

GRAPH = network(np.random.default_rng(3), [9, 7, 5, 3])


@pytest.mark.parametrize("seed", range(8))
def test_the_same_graph_comes_back(tmp_path, seed):
    rng = np.random.default_rng(seed)
    graph = network(rng, rng.integers(1, 40, rng.integers(2, 6)).tolist())
    save_graph(graph, tmp_path / "g.npz")
    again = load_graph(tmp_path / "g.npz")
    assert again.name == graph.name
    x = images(rng, graph, 20)
    for one, other in zip(evaluate(graph, x), evaluate(again, x), strict=True):
        assert np.array_equal(one, other)
    for one, other in zip(graph.layers, again.layers, strict=True):
        for field in ("name", "input", "output", "clamp", "rounding", "table_output"):
            assert getattr(one, field) == getattr(other, field)


def test_numpy_scalars_are_welcome():
    layer = replace(GRAPH.layers[0], input=Quant(np.float32(0.5), np.int64(3)))
    again = graph_from_bytes(graph_to_bytes(Graph("g", (layer,))))
    assert again.input.scale == 0.5 and again.input.zero_point == 3


def changed(edit=None, **arrays) -> bytes:
    """The file of `GRAPH` with parts replaced; an array that is None is left out."""
    content = dict(np.load(io.BytesIO(graph_to_bytes(GRAPH))))
    document = json.loads(content["header"].tobytes())
    if edit:
        edit(document)
    content["header"] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    content |= arrays
    file = io.BytesIO()
    np.savez(file, **{name: value for name, value in content.items() if value is not None})
    return file.getvalue()


BAD = {
    "empty": (b"", "not an .npz file"),
    "text": (b"hello", "not an .npz file"),
    "cut": (graph_to_bytes(GRAPH)[:-30], "not an .npz file"),
    "no header": (changed(header=None), "header"),
    "format": (changed(lambda d: d.update(format="celosia graph 9")), "format 'celosia graph 9'"),
    "missing": (changed(bias_1=None), "array 'bias_1' is missing"),
    "extra": (changed(bias_9=np.zeros(3)), "array 'bias_9' is unexpected"),
    "dtype": (changed(weights_0=np.zeros((7, 9))), "weights_0 is float64 [7, 9], not int8"),
    "axes": (changed(bias_0=np.zeros((7, 1), np.int32)), "not int32 with 1 axes"),
    "chain": (changed(weights_1=np.zeros((5, 8), np.int8)), "takes 8 inputs"),
    "shift": (changed(shift_0=np.full(7, 99)), "channel 0: shift 99"),
    "clamp": (changed(lambda d: d["layers"][0].update(clamp=[5, -5])), "clamp (5, -5)"),
    "scale": (changed(lambda d: d["layers"][0]["input"].update(scale=-1.0)), "scale -1.0"),
    "zero": (changed(lambda d: d["layers"][0]["input"].update(zero_point=300)), "300"),
    "rounding": (changed(lambda d: d["layers"][0].update(rounding="UP")), "UP"),
    "fields": (changed(lambda d: d["layers"][0].update(more=1)), "['more'] differ"),
    "name": (changed(lambda d: d.update(name=[1])), "name [1]"),
    "no layers": (changed(lambda d: d.update(layers=[])), "unexpected"),
    "no object": (changed(lambda d: d.update(layers=3)), "not a graph"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(case):
    data, says = BAD[case]
    with pytest.raises(CelosiaError) as caught:
        graph_from_bytes(data)
    assert says in str(caught.value)


def test_random_damage_is_one_error():
    rng = np.random.default_rng(0)
    good = graph_to_bytes(GRAPH)
    for _ in range(300):
        data = bytearray(good)
        for at in rng.integers(0, len(good), rng.integers(1, 4)):
            data[at] = rng.integers(256)
        try:
            graph_from_bytes(bytes(data))
        except CelosiaError as error:
            assert "\n" not in str(error)
