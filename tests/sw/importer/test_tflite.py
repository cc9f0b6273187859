"""Whole .tflite models: host steps, layers and host steps together, and what is refused."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build, run
from tests.helpers.random_models import fully_connected

from celosia.importer.tflite import read_tflite, tflite_network
from celosia.model.reference import evaluate
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported

RNG = np.random.default_rng(11)
W0 = RNG.integers(-127, 128, (6, 12)).astype(np.int8)
W1 = RNG.integers(-127, 128, (4, 6)).astype(np.int8)
B0 = RNG.integers(-900, 900, 6).astype(np.int32)
B1 = RNG.integers(-900, 900, 4).astype(np.int32)


def softmax(beta=1.0):
    options = tfl.SoftmaxOptionsT()
    options.beta = beta
    return options


def image_model(kind: str) -> bytes:
    """3 x 4 image, reshaped, two layers, softmax; `kind` is the type of the edges."""
    edge = {"float32": (None, 0), "uint8": (0.02, 120), "int8": (0.02, -8)}[kind]
    out = {"float32": (None, 0), "uint8": (1 / 256, 0), "int8": (1 / 256, -128)}[kind]
    tensors = [
        Tensor((1, 3, 4, 1), kind, *edge, name="input"),
        Tensor((1, 3, 4, 1), "int8", 0.02, -8),
        Tensor((1, 12), "int8", 0.02, -8),
        Tensor((6, 12), "int8", np.linspace(0.004, 0.02, 6), 0, W0),
        Tensor((6,), "int32", 0.02 * np.linspace(0.004, 0.02, 6), 0, B0),
        Tensor((1, 6), "int8", 0.08, -128, name="hidden"),
        Tensor((1, 6), "int8", 1 / 256, -128, name="sigmoid"),
        Tensor((4, 6), "int8", 0.01, 0, W1),
        Tensor((4,), "int32", 0.01 / 256, 0, B1),
        Tensor((1, 4), "int8", 0.03, 5, name="logits"),
        Tensor((1, 4), "int8", 1 / 256, -128, name="probabilities"),
        Tensor((1, 4), kind, *out, name="output"),
        Tensor((2,), "int32", data=np.int32([1, 12])),
    ]
    ops = [
        Op("QUANTIZE", [0], [1]),
        Op("RESHAPE", [1, 12], [2]),
        Op("FULLY_CONNECTED", [2, 3, 4], [5], fully_connected(1)),
        Op("LOGISTIC", [5], [6]),
        Op("FULLY_CONNECTED", [6, 7, 8], [9], fully_connected()),
        Op("SOFTMAX", [9], [10], softmax()),
        Op("DEQUANTIZE" if kind == "float32" else "QUANTIZE", [10], [11]),
    ]
    return build(tensors, ops, [0], [11])


@pytest.mark.parametrize("kind", ["float32", "uint8", "int8"])
def test_from_edge_to_edge(kind):
    data = image_model(kind)
    network = tflite_network(data, "image")
    assert (network.host.input_shape, network.host.output_shape) == ((3, 4, 1), (4,))
    assert (network.host.input_dtype, network.host.output_dtype) == (kind, kind)
    assert [layer.name for layer in network.graph.layers] == ["hidden", "logits"]
    x = np.random.default_rng(2).normal(0, 1.2, (50, 3, 4, 1)).astype(np.float32)
    if kind != "float32":
        limits = np.iinfo(kind)
        x = np.clip(x * 60 + (limits.max + limits.min) / 2, limits.min, limits.max).astype(kind)
    judge = run(data, x, resize=False)
    outputs = evaluate(network.graph, network.prepare(x))
    assert np.array_equal(outputs[0], judge["sigmoid"])
    assert np.array_equal(outputs[1], judge["logits"])
    result = network.finish(outputs[-1])
    assert result.dtype == judge["output"].dtype
    assert np.array_equal(result, judge["output"])


def test_relu_of_the_same_scale_is_a_clamp():
    data = small(Op("RELU", [3], [4]), Tensor((1, 6), "int8", 0.1, 3))
    layer = tflite_network(data).graph.layers[0]
    assert layer.table is None and layer.clamp == (3, 127)


def test_a_clamp_must_not_change_the_scale():
    scale = float(np.nextafter(np.float32(0.1), np.float32(1)))
    graph = tflite_network(small(Op("RELU", [3], [4]), Tensor((1, 6), "int8", scale, 3))).graph
    assert graph.output == Quant(scale, 3)


def test_tables_compose():
    data = small(
        Op("TANH", [3], [4]),
        Tensor((1, 6), "int8", 1 / 128, 0, name="tanh"),
        Op("QUANTIZE", [4], [5]),
        Tensor((1, 6), "int8", 0.02, 9, name="y"),
    )
    x = np.random.default_rng(0).integers(-128, 128, (64, 12)).astype(np.int8)
    graph = tflite_network(data).graph
    assert len(graph.layers) == 1 and graph.output.zero_point == 9
    assert np.array_equal(evaluate(graph, x)[0], run(data, x)["y"])


def small(*more, replace=None, options=None, inputs=(0,), outputs=None) -> bytes:
    """A layer of 12 inputs and 6 outputs, with tensors exchanged by index and operators added."""
    tensors = [
        Tensor((1, 12), "int8", 0.02, -8),
        Tensor((6, 12), "int8", 0.01, 0, W0),
        Tensor((6,), "int32", 0.0002, 0, B0),
        Tensor((1, 6), "int8", 0.1, 3),
    ]
    ops = [Op("FULLY_CONNECTED", [0, 1, 2], [3], options or fully_connected())]
    for index, tensor in (replace or {}).items():
        tensors[index] = tensor
    tensors += [item for item in more if isinstance(item, Tensor)]
    ops += [item for item in more if isinstance(item, Op)]
    last = ops[-1].outputs[0] if outputs is None else outputs
    return build(tensors, ops, list(inputs), [last] if isinstance(last, int) else list(last))


def shuffled():
    options = fully_connected()
    options.weightsFormat = 1
    return options


Q = Tensor((1, 6), "int8", 0.1, 3)
REFUSED = {
    "operator 1 (ABS): this operator is not supported": (Op("ABS", [3], [4]), Q),
    "operator 1 (SOFTMAX): output scale 0.1": (Op("SOFTMAX", [3], [4], softmax()), Q),
    "operator 2 (TANH): it follows an operator that runs on the host": (
        Op("SOFTMAX", [3], [4], softmax()),
        Op("TANH", [4], [5]),
        Tensor((1, 6), "int8", 1 / 256, -128),
        Q,
    ),
    "operator 0 (FULLY_CONNECTED): nothing reads its result, tensor 3 ('t3')": (
        Op("TANH", [0], [4]),
        Tensor((1, 12), "int8", 0.1, 3),
    ),
    "operator 1 (TANH): its input tensor 4 ('t4') is not computed before it": (
        Op("TANH", [4], [5]),
        Q,
        Q,
    ),
    "operator 1 (TANH): tensor 3 ('t3') has a value before it is computed": (
        Op("TANH", [0], [3]),
        Q,
    ),
    "operator 1 (LOGISTIC): output scale 0.1": (Op("LOGISTIC", [3], [4]), Q),
    "operator 1 (QUANTIZE): tensor 4 ('t4') is int32": (
        Op("QUANTIZE", [3], [4]),
        Tensor((1, 6), "int32", 0.1, 3),
    ),
    "operator 1 (RESHAPE): int8 [1, 6] cannot become int8 [1, 5]": (
        Op("RESHAPE", [3], [4]),
        Tensor((1, 5), "int8", 0.1, 3),
    ),
    "the model has 2 inputs": {"inputs": (0, 2)},
    "the model's outputs tensor 3 ('t3') and tensor 4 ('t4') are made of one layer's result": {
        "more": (Op("SOFTMAX", [3], [4], softmax()), Tensor((1, 6), "int8", 1 / 256, -128)),
        "outputs": (3, 4),
    },
    "two outputs of the model are the same values": {"outputs": (3, 3)},
    "the model's output tensor 0 ('t0') is the model's input": {"outputs": (3, 0)},
    "operator 0 (FULLY_CONNECTED): fused activation TANH": {"options": fully_connected(4)},
    "operator 0 (FULLY_CONNECTED): option weights_format = 1 is not supported": {
        "options": shuffled()
    },
    "operator 0 (FULLY_CONNECTED): weights have zero point 2": {
        "replace": {1: Tensor((6, 12), "int8", 0.01, 2, W0)}
    },
    "weights are constant float32 [6, 12], not constant int8": {
        "replace": {1: Tensor((6, 12), "float32", data=W0.astype(np.float32))}
    },
    "weights are computed int8": {"replace": {1: Tensor((6, 12), "int8", 0.01, 0)}},
    "weight scales run along axis 1": {
        "replace": {1: Tensor((6, 12), "int8", np.full(6, 0.01), 0, W0, axis=1)}
    },
    "5 weight scales for 6 channels": {
        "replace": {1: Tensor((6, 12), "int8", np.full(5, 0.01), 0, W0)}
    },
    "bias int32 [5] is not constant int32 [6]": {
        "replace": {2: Tensor((5,), "int32", 0.0002, 0, B0[:5])}
    },
    "bias scale 0.02 is not": {"replace": {2: Tensor((6,), "int32", 0.02, 0, B0)}},
    "is uint8, not int8": {"replace": {0: Tensor((1, 12), "uint8", 0.02, 8)}},
    "is float32, not int8": {"replace": {3: Tensor((1, 6), "float32")}},
    "has 0 scales": {"replace": {3: Tensor((1, 6), "int8")}},
    "has zero point 200": {"replace": {3: Tensor((1, 6), "int8", 0.1, 200)}},
    "input of shape [2, 12] is not one vector": {
        "replace": {0: Tensor((2, 12), "int8", 0.02, 0), 3: Tensor((2, 6), "int8", 0.1, 0)}
    },
    "beyond LiteRT's 32 bits": {"replace": {3: Tensor((1, 6), "int8", 1e-9, 3)}},
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused_by_name(message):
    case = REFUSED[message]
    case = dict(case) if isinstance(case, dict) else {"more": case}
    data = small(*case.pop("more", ()), **case)
    with pytest.raises(CelosiaError) as caught:
        tflite_network(data)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_float_model_says_what_to_do(tmp_path):
    path = tmp_path / "float.tflite"
    path.write_bytes(small(replace={1: Tensor((6, 12), "float32", data=W0.astype(np.float32))}))
    with pytest.raises(Unsupported, match="quantize the model fully to int8") as caught:
        read_tflite(path)
    assert str(path) in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(CelosiaError, match="cannot read"):
        read_tflite(tmp_path / "none.tflite")
    with pytest.raises(CelosiaError, match="cannot read"):
        read_tflite(tmp_path)


def test_inputs_are_checked():
    network = tflite_network(image_model("float32"))
    good = np.zeros((2, 12), np.float64)
    assert network.prepare(good).shape == (2, 12)
    for bad, message in (
        (np.zeros((2, 12), np.int8), "int8, not float32"),
        (np.zeros((2, 11), np.float32), "not \\[n, 3, 4, 1\\]"),
        (np.zeros(12, np.float32), "not \\[n, 3, 4, 1\\]"),
        (np.full((1, 12), np.inf, np.float32), "finite"),
    ):
        with pytest.raises(CelosiaError, match=message):
            network.prepare(bad)
