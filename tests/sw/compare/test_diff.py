"""`celosia diff`: agreement with LiteRT, and planted faults named at their layer and channel."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_models import fully_connected, random_model

from celosia.compare import TensorDiff, compare, direct, litert, run_engine
from celosia.compiler import compile
from celosia.importer.tflite import read_tflite
from celosia.network.float_network import FloatNetwork
from celosia.network.graph import Dense, Graph
from celosia.network.layers import Convolution
from celosia.network.network import Network
from celosia.network.steps import Quantize
from celosia.numerics.quant import Quant
from celosia.spec import Config, Rounding

CONFIG = Config.default(2, 8)
LAYER, CHANNEL = 2, 5


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A .tflite file of four layers with float32 inputs and outputs, and its network."""
    rng, widths = np.random.default_rng(7), (24, 12, 10, 16, 6)
    tensors = [Tensor((1, 24), "float32"), Tensor((1, 24), "int8", 0.05, 3, name="in")]
    ops, current = [Op("QUANTIZE", [0], [1])], 1
    for k, n in zip(widths, widths[1:], strict=False):
        at = len(tensors)
        weights = rng.integers(-90, 91, (n, k)).astype(np.int8)
        bias = rng.integers(-900, 900, n).astype(np.int32)
        tensors += [
            Tensor((n, k), "int8", np.full(n, 0.004 / np.sqrt(k)), 0, weights),
            Tensor((n,), "int32", np.full(n, 0.0002 / np.sqrt(k)), 0, bias),
            Tensor((1, n), "int8", 0.02, -7, name=f"dense{len(ops) - 1}"),
        ]
        ops.append(Op("FULLY_CONNECTED", [current, at, at + 1], [at + 2], fully_connected()))
        current = at + 2
    tensors.append(Tensor((1, widths[-1]), "float32", name="out"))
    ops.append(Op("DEQUANTIZE", [current], [len(tensors) - 1]))
    path = tmp_path_factory.mktemp("diff") / "model.tflite"
    path.write_bytes(build(tensors, ops, [0], [len(tensors) - 1]))
    network = read_tflite(path)
    x = rng.uniform(-6, 6, (60, 24)).astype(np.float32)
    return path, network, x


def _changed(network: Network, **values) -> Network:
    layers = list(network.graph.layers)
    layers[LAYER] = replace(layers[LAYER], **values)
    return replace(network, graph=Graph(network.graph.name, tuple(layers)))


def _compare(model, network: Network):
    path, original, x = model
    layers = run_engine(network.graph, network.prepare(x), CONFIG, "golden")
    return compare(network, x, layers, litert(path, original, x))


def _one_more(values: np.ndarray, step: int, *at: int) -> np.ndarray:
    values = values.copy()
    values[at] += step
    return values


def test_every_tensor_equals_litert(model):
    found = _compare(model, model[1])
    assert found.equal and found.fault is None
    assert [t.name for t in found.tensors] == [
        *("input", "dense0", "dense1", "dense2", "dense3", "output")
    ]
    assert found.bytes == 60 * (24 + 12 + 10 + 16 + 6 + 4 * 6)


@pytest.mark.parametrize(
    ("part", "step", "at"),
    [
        ("weights", 40, (CHANNEL, 3)),
        ("bias", 700, (CHANNEL,)),
        ("multiplier", 1 << 25, (CHANNEL,)),
        ("shift", -1, (CHANNEL,)),
    ],
)
def test_a_planted_fault_is_named(model, part, step, at):
    layer = model[1].graph.layers[LAYER]
    found = _compare(
        model, _changed(model[1], **{part: _one_more(getattr(layer, part), step, *at)})
    )
    first = found.tensors[found.fault.tensor]
    assert first.name == "dense2" and list(first.channels) == [CHANNEL]
    assert first.first.channel == CHANNEL and first.first.ours != first.first.theirs
    assert found.fault.engine == 0 and not found.fault.would_match
    # The layer after it differs too, but not by itself.
    assert found.tensors[4].differing
    assert found.alone == (None, 0, 0, first.differing, 0, None)


def test_one_more_in_the_multiplier_is_seen_where_it_matters():
    """A tie that the multiplier decides: input 3, weight 1, factor exactly 1/2."""
    network = _tie(Rounding.SINGLE)
    x = np.full((1, 1), 3, np.int8)
    reference = direct(network, x)
    layer = network.graph.layers[0]
    less = replace(layer, multiplier=layer.multiplier - 1)
    faulty = replace(network, graph=Graph("tie", (less,)))
    found = compare(faulty, x, run_engine(faulty.graph, x, CONFIG, "golden"), reference)
    assert found.tensors[0].histogram == {-1: 1}


def _tie(rounding: Rounding) -> Network:
    one = np.ones(1, np.int64)
    layer = Dense(
        *("tie", np.ones((1, 1), np.int8), np.zeros(1, np.int32), Quant(1.0, 0)),
        *(one << 30, 0 * one, Quant(2.0, 0)),
        rounding=rounding,
    )
    return Network.of(Graph("tie", (layer,)))


def test_a_swapped_rounding_mode_is_named(model):
    found = _compare(model, _changed(model[1], rounding=Rounding.DOUBLE))
    assert found.tensors[found.fault.tensor].name == "dense2"
    assert found.fault.would_match == ["single rounding"]
    assert found.fault.engine == 0


def test_a_fault_of_the_engine_is_told_from_one_of_the_model(model):
    path, network, x = model
    layers = run_engine(network.graph, network.prepare(x), CONFIG, "golden")
    layers[1] = _one_more(layers[1], 1, 31, 4)
    found = compare(network, x, layers, litert(path, network, x))
    first = found.tensors[found.fault.tensor]
    assert (first.name, first.first.image, first.first.channel) == ("dense1", 31, 4)
    assert (first.differing, found.fault.engine, found.alone[2]) == (1, 1, 0)


def test_a_fault_of_a_host_step_is_told(model):
    path, network, x = model
    steps = (lambda x: network.host.pre[0](x * 1.02),)
    wrong = replace(network, host=replace(network.host, pre=steps))
    found = _compare(model, wrong)
    assert found.tensors[found.fault.tensor].name == "input"
    assert found.fault.engine is None


MAPS = Config.default(2, 4, convolution=1, depthwise=1)


def _convolution() -> Network:
    rng, n = np.random.default_rng(3), 5
    layer = Convolution(
        "conv",
        rng.integers(-127, 128, (n, 3, 3, 4)).astype(np.int8),
        rng.integers(-900, 900, n).astype(np.int32),
        Quant(0.05, 17),
        rng.integers(1 << 30, 1 << 31, n),
        np.full(n, -9),
        Quant(0.1, -7),
        (6, 7, 4),
        (6, 7),
        padding=(1, 1),
    )
    return Network.of(Graph("maps", (layer,)))


@pytest.mark.parametrize(
    ("changes", "would_match"),
    [
        ({"padding": (2, 2)}, "padding [1, 1] for [2, 2]"),
        ({"rounding": Rounding.SINGLE}, "double rounding"),
        ({"weights": None}, "height and width swapped"),
        ({"input": Quant(0.05, -9)}, None),
    ],
    ids=str,
)
def test_the_pixel_and_the_reason_are_named(changes, would_match):
    network = _convolution()
    layer = network.graph.layers[0]
    x = np.random.default_rng(1).integers(-128, 128, (9, 168)).astype(np.int8)
    reference = direct(network, x)
    if "weights" in changes:
        changes = {"weights": np.swapaxes(layer.weights, 1, 2)}
    faulty = replace(network, graph=Graph("maps", (replace(layer, **changes),)))
    found = compare(faulty, x, run_engine(faulty.graph, x, MAPS, "golden"), reference)
    assert found.fault.would_match == ([would_match] if would_match else [])
    (tensor,) = found.tensors
    first, expected = tensor.first, reference.tensors[1].reshape(9, 6, 7, 5)
    assert first.theirs == expected[first.image, first.y, first.x, first.channel]


@pytest.mark.parametrize("seed", range(12))
def test_random_models_equal_litert(seed, tmp_path, celosia):
    data, _, results = random_model(np.random.default_rng(seed))
    path = tmp_path / "random.tflite"
    path.write_bytes(data)
    ran = celosia("diff", path, "--random", 20, "--tables", 16, "--json", "-")
    document = json.loads(ran.out)
    assert (ran.status, document["equal"]) == (0, True)
    assert len(document["tensors"]) == len(results)
    assert f"{document['bytes']:,} bytes of {len(results)} tensors" in ran.err


def test_the_page_says_what_is_wrong(model, celosia, monkeypatch, tmp_path):
    path, network, x = model
    np.save(tmp_path / "x.npy", x)
    bias = network.graph.layers[LAYER].bias
    faulty = _changed(network, bias=_one_more(bias, 700, CHANNEL))
    monkeypatch.setattr("celosia.cli.diff._network", lambda _: faulty)
    ran = celosia("diff", path, "--input", tmp_path / "x.npy", "--json", tmp_path / "d.json")
    assert ran.status == 1
    assert "first difference: dense2, channel 5" in ran.out
    assert "nothing usual would match (with double rounding" in ran.out
    document = json.loads((tmp_path / "d.json").read_text())
    assert document["first"]["tensor"] == "dense2"


def engine_fault(graph, x, config, *_):
    layers = run_engine(graph, x, config, "golden")
    layers[1] = _one_more(layers[1], 1, 31, 4)
    return layers


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("rounding", "it would match with single rounding"),
        ("host", "a step on the host before or after the engine makes the input"),
        ("engine", "departs from the NumPy reference in 1 elements: the fault is in the engine"),
    ],
)
def test_the_page_says_why(model, celosia, monkeypatch, tmp_path, fault, why):
    path, network, x = model
    np.save(tmp_path / "x.npy", x)
    if fault == "rounding":
        network = _changed(network, rounding=Rounding.DOUBLE)
    if fault == "host":
        host = replace(network.host, pre=(Quantize(Quant(0.052, 3)),))
        network = replace(network, host=host)
    monkeypatch.setattr("celosia.cli.diff._network", lambda _: network)
    if fault == "engine":
        monkeypatch.setattr("celosia.compare.run_engine", engine_fault)
    ran = celosia("diff", path, "--input", tmp_path / "x.npy")
    assert ran.status == 1 and why in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("make", "suffix", "said"),
    [
        (lambda network: compile(network, CONFIG), ".celosia",
         "is a program image, made for LiteRT; give the"),
        (lambda network: FloatNetwork.from_arrays([np.ones((24, 6))], [np.zeros(6)], ["none"]),
         ".npz", "is a float model; quantize it with celosia quantize"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(model, celosia, tmp_path, make, suffix, said):
    file = tmp_path / f"model{suffix}"
    make(model[1]).save(file)
    ran = celosia("diff", file, "--random", 2)
    assert ran.status == 2 and said in " ".join(ran.err.split())


def test_graphs_are_compared_with_their_direct_evaluation(files, celosia):
    ran = celosia("diff", files.graph, "--input", files.inputs)
    assert ran.status == 0 and "golden 16x16 engine against NumPy reference" in ran.out
    ran = celosia("diff", files.graph, "--input", files.inputs, "--against", "litert")
    assert ran.status == 2 and "does not read this file" in ran.err


def test_results_of_a_quantized_onnx_model_are_compared_with_onnxruntime(celosia, tmp_path):
    """Powers of two everywhere, so that floats and integers agree to the bit."""
    import onnx

    make, array = onnx.helper.make_node, onnx.numpy_helper.from_array
    constants = {
        "s": np.float32(1 / 16),
        "z": np.int8(3),
        "ws": np.float32(1 / 32),
        "wz": np.int8(0),
        "w": np.random.default_rng(5).integers(-20, 20, (8, 5)).astype(np.int8),
        "os": np.float32(1 / 4),
    }
    nodes = [
        make("QuantizeLinear", ["x", "s", "z"], ["q"]),
        make("DequantizeLinear", ["q", "s", "z"], ["d"]),
        make("DequantizeLinear", ["w", "ws", "wz"], ["dw"]),
        make("MatMul", ["d", "dw"], ["m"]),
        make("QuantizeLinear", ["m", "os", "z"], ["mq"]),
        make("DequantizeLinear", ["mq", "os", "z"], ["y"]),
    ]
    ends = (
        [onnx.helper.make_tensor_value_info(*each)] for each in (("x", 1, [1, 8]), ("y", 1, [1, 5]))
    )
    values = [array(np.asarray(value), name) for name, value in constants.items()]
    graph = onnx.helper.make_graph(nodes, "g", *ends, values)
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx"
    )
    ran = celosia("diff", tmp_path / "m.onnx", "--random", 40, "--json", "-")
    document = json.loads(ran.out)
    assert document["reference"].startswith("onnxruntime")
    assert [tensor["name"] for tensor in document["tensors"]] == ["output"]
    # Ties: onnxruntime rounds them to even, the engine up.
    assert ran.status == 0 or document["tensors"][0]["largest"] <= 0.25


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--random", "0"], "0 is outside"),
        (["--input", "/nowhere.npy"], "cannot read"),
        ([], "required"),
    ],
)
def test_bad_arguments(files, celosia, arguments, said):
    ran = celosia("diff", files.graph, *arguments)
    assert ran.status == 2 and said in ran.err and ran.err.count("\n") == 1


def test_bad_inputs(files, celosia, tmp_path):
    for index, x in enumerate((np.zeros((0, 784), np.int8), np.zeros(3), np.array("x"))):
        path = tmp_path / f"{index}.npy"
        np.save(path, x)
        ran = celosia("diff", files.graph, "--input", path)
        assert ran.status == 2 and ran.err.count("\n") == 1


def test_nan_equals_nan():
    ours, theirs = np.array([[np.nan, 1.0]]), np.array([[np.nan, 2.0]])
    found = TensorDiff.of("y", "host", ours, theirs)
    assert (found.differing, found.first.channel, found.largest) == (1, 1, 1)


def test_anomaly_detection_equals_litert(models_dir, celosia):
    ran = celosia("diff", models_dir / "ad01_int8.tflite", "--random", 30, "--cols", 64)
    assert ran.status == 0 and "equal: all 50,160 bytes of 10 tensors" in ran.out
