"""Quantized networks as files: every bit comes back, and nothing else gets in."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import images, network

from celosia.compiler import compile
from celosia.model import evaluate
from celosia.network.graph import Graph
from celosia.network.host_steps import HostSteps
from celosia.network.network import Network
from celosia.network.network_file import (
    load_network,
    network_from_bytes,
    network_to_bytes,
    save_network,
)
from celosia.network.steps import Dequantize, FloatSoftmax, Quantize, Requantize, Softmax
from celosia.numerics.quant import Quant
from celosia.spec import Config
from celosia.support.errors import CelosiaError

GRAPH = network(np.random.default_rng(3), [9, 7, 5, 3])


@pytest.mark.parametrize("seed", range(8))
def test_the_same_graph_comes_back(tmp_path, seed):
    rng = np.random.default_rng(seed)
    graph = network(rng, rng.integers(1, 40, rng.integers(2, 6)).tolist())
    save_network(graph, tmp_path / "g.npz")
    again = load_network(tmp_path / "g.npz")
    assert again.name == graph.name
    x = images(rng, graph, 20)
    for one, other in zip(evaluate(graph, x), evaluate(again, x), strict=True):
        assert np.array_equal(one, other)
    for one, other in zip(graph.layers, again.layers, strict=True):
        for field in ("name", "input", "output", "clamp", "rounding", "table_output"):
            assert getattr(one, field) == getattr(other, field)


HOST = HostSteps(
    pre=(Quantize(Quant(0.5, 200), "uint8"), Requantize(Quant(0.5, 200), Quant(0.25, 3), "uint8")),
    post=(Softmax(Quant(0.125, -4), 0.5), Dequantize(Quant(1 / 256, -128)), FloatSoftmax(True)),
    input_shape=(3, 3),
    input_dtype="float32",
    output_shape=(3, 1),
    output_dtype="float32",
)


def test_a_whole_network_comes_back(tmp_path):
    whole = Network(GRAPH, HOST, ("a remark",), (0, "dense", 7, 9))
    save_network(whole, tmp_path / "n.npz")
    again = load_network(tmp_path / "n.npz")
    assert isinstance(again, Network) and isinstance(again.host, HostSteps)
    assert (again.host, again.notes, again.tensors) == (HOST, whole.notes, whole.tensors)
    images = [compile(each, Config.default(2, 4)).to_bytes() for each in (whole, again)]
    assert images[0] == images[1]


def test_files_of_older_versions_are_graphs():
    old = changed(lambda d: (d.update(format="celosia graph 1"), d.pop("host")))
    again = network_from_bytes(old)
    assert isinstance(again, Graph) and again.layers[1].name == GRAPH.layers[1].name


def test_numpy_scalars_are_welcome():
    layer = replace(GRAPH.layers[0], input=Quant(np.float32(0.5), np.int64(3)))
    again = network_from_bytes(network_to_bytes(Graph("g", (layer,))))
    assert isinstance(again, Graph)
    assert again.input.scale == 0.5 and again.input.zero_point == 3


def changed(edit=None, **arrays) -> bytes:
    """The file of `GRAPH` with parts replaced; an array that is None is left out."""
    content = dict(np.load(io.BytesIO(network_to_bytes(GRAPH))))
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
    "cut": (network_to_bytes(GRAPH)[:-30], "not an .npz file"),
    "no header": (changed(header=None), "header"),
    "format": (changed(lambda d: d.update(format="celosia graph 9")), "format 'celosia graph 9'"),
    "missing": (changed(bias_1=None), "array 'bias_1' is missing"),
    "extra": (changed(bias_9=np.zeros(3)), "array 'bias_9' is unexpected"),
    "dtype": (changed(weights_0=np.zeros((7, 9))), "weights_0 is float64 [7, 9], not int8"),
    "axes": (changed(bias_0=np.zeros((7, 1), np.int32)), "not int32 with 1 axes"),
    "chain": (changed(weights_1=np.zeros((5, 8), np.int8)), "takes 8 inputs"),
    "shift": (changed(shift_0=np.full(7, 99)), "channel 0: shift 99"),
    "clamp": (changed(lambda d: d["layers"][0].update(clamp=[5, -5])), "clamp (5, -5)"),
    "scale": (changed(lambda d: d["layers"][0]["input"].update(scale=-1.0)), "scale = -1.0"),
    "zero": (changed(lambda d: d["layers"][0]["input"].update(zero_point=300)), "300"),
    "rounding": (changed(lambda d: d["layers"][0].update(rounding="UP")), "UP"),
    "fields": (changed(lambda d: d["layers"][0].update(more=1)), "['more'] differ"),
    "name": (changed(lambda d: d.update(name=[1])), "name [1]"),
    "no layers": (changed(lambda d: d.update(layers=[])), "unexpected"),
    "no object": (changed(lambda d: d.update(layers=3)), "not a network"),
    "no JSON": (changed(header=np.frombuffer(b"[1]", np.uint8)), "not a network: no JSON object"),
    "no host": (changed(lambda d: d.pop("host")), "not a network"),
    "host": (changed(lambda d: d.update(host={})), "not a network"),
    "step": (
        changed(lambda d: d.update(host=HOST.to_dict() | {"pre": [{"step": "os.system"}]})),
        "host step 'os.system' is unknown",
    ),
    "types": (
        changed(lambda d: d.update(host=HOST.to_dict() | {"pre": []})),
        "the engine would be given float32",
    ),
    "shape": (
        changed(
            lambda d: d.update(host=HOST.to_dict() | {"input_shape": [8]}, notes=[], tensors=[])
        ),
        "input shape [8] does not hold 9 values",
    ),
    "tensors": (
        changed(lambda d: d.update(host=HOST.to_dict(), notes=[], tensors=[[]])),
        "name []",
    ),
    "notes": (changed(lambda d: d.update(host=HOST.to_dict(), notes=[1], tensors=[])), "no text"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(case):
    data, says = BAD[case]
    with pytest.raises(CelosiaError) as caught:
        network_from_bytes(data)
    assert says in str(caught.value)


def test_random_damage_is_one_error():
    rng = np.random.default_rng(0)
    good = network_to_bytes(GRAPH)
    for _ in range(300):
        data = bytearray(good)
        for at in rng.integers(0, len(good), rng.integers(1, 4)):
            data[at] = rng.integers(256)
        try:
            network_from_bytes(bytes(data))
        except CelosiaError as error:
            assert "\n" not in str(error)
