"""Convolutional .tflite models: the published ones tensor by tensor, and what is refused."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build, run
from tests.helpers.random_cnns import Cnn, random_cnn

from celosia.importer.tflite import read_tflite, tflite_network
from celosia.importer.tflite.outline import tflite_outline
from celosia.network.layers import Convolution, Depthwise
from celosia.network.network_file import network_from_bytes, network_to_bytes
from celosia.network.outline import Place
from celosia.support.errors import CelosiaError

#: Model: layers, multiplications, the input's shape.
PUBLISHED = {
    "ad01_int8": (10, 264_192, (1, 1, 640)),
    "kws_ref_model": (11, 2_656_768, (49, 10, 1)),
    "pretrainedResnet_quant": (14, 12_501_632, (32, 32, 3)),
    "vww_96_int8": (29, 7_489_664, (96, 96, 3)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_tensor_by_tensor(models_dir, name):
    data = (models_dir / f"{name}.tflite").read_bytes()
    network = read_tflite(models_dir / f"{name}.tflite")
    graph = network.graph
    assert (len(graph.layers), graph.macs, graph.shapes[0]) == PUBLISHED[name]
    assert not network.notes
    x = np.load(models_dir / "samples" / f"{name}.npy")[::4][:3]
    judge = run(data, x, resize=False, key="index")
    results = graph.evaluate(network.prepare(x))
    for layer, tensor, y in zip(graph.layers, network.tensors[1:], results, strict=True):
        assert np.array_equal(y, judge[tensor].reshape(len(x), -1)), layer.name
    again = network_from_bytes(network_to_bytes(network))
    for one, other in zip(results, again.graph.evaluate(again.prepare(x)), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_outline_is_the_graph(models_dir, name):
    data = (models_dir / f"{name}.tflite").read_bytes()
    graph, outline = tflite_network(data).graph, tflite_outline(data)
    assert not outline.unsupported and outline.reads == graph.reads
    for layer, one in zip(graph.layers, outline.layers, strict=True):
        for field in ("name", "kind", "input_shape", "output_shape", "macs", "output", "clamp"):
            assert getattr(layer, field) == getattr(one, field)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def same_as_litert(data: bytes, images: int = 6):
    """The network of ``data``, whose every tensor is LiteRT's."""
    network = tflite_network(data)
    x = rng().integers(-128, 128, (images, *network.host.input_shape)).astype(np.int8)
    judge = run(data, x, resize=False, key="index")
    results = network.graph.evaluate(network.prepare(x))
    for tensor, y in zip(network.tensors[1:], results, strict=True):
        assert np.array_equal(y, judge[tensor].reshape(images, -1)), tensor
    return network


def test_two_outputs_are_heads():
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    shared = cnn.convolution(0, 6, (3, 3))
    flat = cnn.dense(shared, 4)
    network = same_as_litert(cnn.build(cnn.pool(shared, "MAX_POOL_2D", (2, 2)), flat))
    graph = network.graph
    assert graph.outputs == (3, 2) and graph.layers[2].kind == "MaxPool"
    assert [head.name for head in network.heads] == ["max_pool_2d2", "fully_connected1"]
    assert [head.shape for head in network.heads] == [(3, 4, 6), (4,)]
    assert network.host.output_shape == (3, 4, 6)
    assert graph.output == graph.layers[2].result != graph.layers[1].result


def test_heads_of_one_name():
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    ends = cnn.convolution(0, 2), cnn.convolution(0, 3)
    for each in ends:
        cnn.tensors[each].name = "same"
    names = [head.name for head in tflite_network(cnn.build(*ends)).heads]
    assert names == [f"same#{each}" for each in ends]


def test_a_table_is_a_layer_of_its_own_where_others_read_its_input():
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    shared = cnn.convolution(0, 6, (3, 3))
    data = cnn.build(cnn.add(shared, cnn.activation(shared, "TANH")))
    graph = same_as_litert(data).graph
    assert isinstance(graph.layers[1], Depthwise) and graph.layers[1].table is not None
    assert graph.reads == ((0,), (1,), (1, 2))


def test_a_table_behind_a_layer_that_nothing_else_reads():
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    pooled = cnn.pool(cnn.activation(cnn.convolution(0, 6, (3, 3)), "TANH"), "MAX_POOL_2D", (2, 2))
    data = cnn.build(cnn.activation(pooled, "LOGISTIC"))
    layers = same_as_litert(data).graph.layers
    assert [layer.table is not None for layer in layers] == [True, True]


def test_a_table_of_the_models_input():
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    assert len(same_as_litert(cnn.build(cnn.activation(0, "TANH"))).graph.layers) == 1


def test_networks_in_one_dimension():
    """As Keras converts Conv1D and MaxPooling1D: the line lies along the width or the height."""
    cnn = Cnn(rng(), (1, 20, 3), tame=True)
    line = cnn.convolution(0, 6, (1, 5), (1, 2))
    pooled = cnn.pool(
        cnn.reshape(cnn.reshape(line, (10, 6)), (10, 1, 6)), "MAX_POOL_2D", (2, 1), (2, 1)
    )
    data = cnn.build(cnn.dense(cnn.reshape(pooled, (30,)), 4))
    graph = same_as_litert(data).graph
    assert graph.shapes == ((1, 20, 3), (1, 10, 6), (5, 1, 6), (1, 1, 4))
    assert graph.layers[1].input_shape == (10, 1, 6)


def test_an_addition_of_flattened_maps():
    cnn = Cnn(rng(), (3, 3, 4), tame=True)
    flat = [cnn.reshape(cnn.convolution(0, 4), (36,)) for _ in range(2)]
    assert same_as_litert(cnn.build(cnn.add(*flat))).graph.shapes[3] == (3, 3, 4)


def test_an_input_that_is_reshaped():
    cnn = Cnn(rng(), (60,), tame=True)
    image = cnn.reshape(0, (4, 5, 3))
    data = cnn.build(cnn.add(cnn.dense(0, 7), cnn.dense(cnn.convolution(image, 2), 7)))
    graph = same_as_litert(data).graph
    assert graph.shapes[0] == graph.layers[0].input_shape == (4, 5, 3)


def test_the_first_layers_of_one_random_network_are_convolutions():
    data = random_cnn(rng(), codes=("CONV_2D", "FULLY_CONNECTED"))
    assert isinstance(same_as_litert(data).graph.layers[0], Convolution)


@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_host_steps_around_convolutions(kind):
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    entry = cnn.quantize(0)
    cnn.tensors[0].dtype = kind
    cnn.tensors[0].scale, cnn.tensors[0].zero_point = (None, 0) if kind == "float32" else (0.1, 9)
    last = cnn.quantize(cnn.pool(cnn.convolution(entry, 6, (3, 3)), "MAX_POOL_2D", (2, 2)))
    cnn.tensors[last].dtype = kind
    cnn.tensors[last].scale, cnn.tensors[last].zero_point = (None, 0)
    if kind == "float32":
        cnn.ops[-1].code = "DEQUANTIZE"
    else:
        cnn.tensors[last].scale, cnn.tensors[last].zero_point = 0.05, 128
    data = cnn.build(last)
    network = tflite_network(data)
    x = rng().normal(0, 60, (8, 4, 5, 3))
    x = x.astype(np.float32) if kind == "float32" else np.clip(x + 100, 0, 255).astype(np.uint8)
    y = network.finish(network.graph.evaluate(network.prepare(x))[-1])
    expected = run(data, x, resize=False, key="index")[last]
    assert y.dtype == expected.dtype and np.array_equal(y, expected)
    assert len(network.host.pre) == len(network.host.post) == 1


def test_a_quantize_of_an_input_that_is_read_as_it_is_too():
    cnn = Cnn(rng(), (4, 5, 3), tame=True)
    data = cnn.build(cnn.add(0, cnn.quantize(0)))
    assert [layer.kind for layer in same_as_litert(data).graph.layers] == ["Depthwise", "Add"]


# What is refused.


def edited(make, **changes) -> bytes:
    """A model of ``make(cnn, 0)`` on 6 x 5 x 4, with its result changed: ``tensor`` gives fields of
    the operand number ``at`` (-1 the result), ``options`` fields of the operator's options."""
    cnn = Cnn(rng(), (6, 5, 4), tame=True)
    last = make(cnn, 0)
    op = cnn.ops[-1]
    for name, value in changes.get("options", {}).items():
        setattr(op.options, name, value)
    at = changes.get("at", -1)
    tensor = cnn.tensors[last if at == -1 else op.inputs[at]]
    for name, value in changes.get("tensor", {}).items():
        setattr(tensor, name, value)
    if "inputs" in changes:
        op.inputs = changes["inputs"](cnn, op.inputs)
    return cnn.build(last)


def conv(cnn, x):
    return cnn.convolution(x, 8, (3, 3))


def deep(cnn, x):
    return cnn.depthwise(x)


def pool(cnn, x):
    return cnn.pool(x, "AVERAGE_POOL_2D", (2, 2))


def most(cnn, x):
    return cnn.pool(x, "MAX_POOL_2D", (2, 2))


def mean(cnn, x):
    return cnn.mean(x)


def plus(cnn, x):
    return cnn.add(x, x)


def wide(cnn, x):
    return cnn.pad(x, ((1, 1), (1, 1)))


def join(cnn, x):
    return cnn.concatenate(x, x)


def constant(cnn, data, **fields):
    cnn.tensors.append(Tensor(data.shape, data.dtype.name, data=data, **fields))
    return len(cnn.tensors) - 1


def numbers(values):
    """Replaces the second input."""
    return lambda cnn, inputs: [inputs[0], constant(cnn, np.int32(values))]


REFUSED = {
    "operator 0 (CONV_2D): fused activation TANH": (
        conv,
        {"options": {"fusedActivationFunction": 4}},
    ),
    "operator 0 (DEPTHWISE_CONV_2D): fused activation SIGN_BIT": (
        deep,
        {"options": {"fusedActivationFunction": 5}},
    ),
    "operator 0 (ADD): fused activation TANH": (plus, {"options": {"fusedActivationFunction": 4}}),
    "operator 0 (MAX_POOL_2D): fused activation 9": (
        most,
        {"options": {"fusedActivationFunction": 9}},
    ),
    "operator 0 (CONV_2D): padding 7 is unknown": (conv, {"options": {"padding": 7}}),
    "operator 0 (CONV_2D): dilation [1, -1] is not possible": (
        conv,
        {"options": {"dilationWFactor": -1}},
    ),
    "operator 0 (AVERAGE_POOL_2D): kernel [2, 0] is not possible": (
        pool,
        {"options": {"filterWidth": 0}},
    ),
    "a kernel of [7, 2] taps does not fit a map of [6, 5]": (
        pool,
        {"options": {"filterHeight": 7}},
    ),
    "output of shape [1, 6, 5, 8] is not [1, 3, 5, 8]": (conv, {"options": {"strideH": 2}}),
    "tensor 0 ('input') is uint8, not int8": (conv, {"at": 0, "tensor": {"dtype": "uint8"}}),
    "is int16, not int8": (deep, {"tensor": {"dtype": "int16"}}),
    "weights are constant uint8 [8, 3, 3, 4], not constant int8 [N, height, width, C]": (
        conv,
        {"at": 1, "tensor": {"dtype": "uint8"}},
    ),
    "weights have zero point 3, not 0": (deep, {"at": 1, "tensor": {"zero_point": 3}}),
    "the bias has zero point 3, not 0": (conv, {"at": 2, "tensor": {"zero_point": 3}}),
    "weight scales run along axis 1, not 0": (
        conv,
        {"at": 1, "tensor": {"scale": np.full(8, 0.1), "axis": 1}},
    ),
    "7 weight scales for 8 channels": (conv, {"at": 1, "tensor": {"scale": np.full(7, 0.1)}}),
    "4 scales, not 1": (conv, {"at": 0, "tensor": {"scale": np.full(4, 0.1)}}),
    "operator 0 (CONV_2D): it has no bias": (conv, {"inputs": lambda cnn, inputs: inputs[:2]}),
    "weights [8, 3, 3, 3] do not fit 4 input channels": (
        conv,
        {
            "inputs": lambda cnn, inputs: [
                inputs[0],
                constant(cnn, np.ones((8, 3, 3, 3), np.int8), scale=0.1),
                inputs[2],
            ]
        },
    ),
    "weights [1, 3, 3, 6] do not fit 4 input channels": (
        deep,
        {
            "inputs": lambda cnn, inputs: [
                inputs[0],
                constant(cnn, np.ones((1, 3, 3, 6), np.int8), scale=0.1),
            ]
        },
    ),
    "beyond LiteRT's 32 bits": (conv, {"tensor": {"scale": 1e-9}}),
    "but the result 0.5, 3": (pool, {"tensor": {"scale": 0.5, "zero_point": 3}}),
    "operator 0 (MAX_POOL_2D): tensor 0 ('input') has scale": (most, {"tensor": {"scale": 9.0}}),
    "operator 0 (PAD): tensor 0 ('input') has scale": (wide, {"tensor": {"scale": 9.0}}),
    "operator 0 (CONCATENATION): tensor 0 ('input') has scale": (join, {"tensor": {"scale": 9.0}}),
    "borders [[0, 0], [1, 1], [1, 1], [0, 1]] are not of height and width alone": (
        wide,
        {"inputs": numbers([[0, 0], [1, 1], [1, 1], [0, 1]])},
    ),
    "down to -1, do not fit [1, 6, 5, 4]": (
        wide,
        {"inputs": numbers([[0, 0], [1, 1], [-1, 1], [0, 0]])},
    ),
    "borders of shape [3, 2]": (wide, {"inputs": numbers([[0, 0], [1, 1], [1, 1]])}),
    "it runs along axis 1 of [1, 6, 5, 4], not along the channels": (
        join,
        {"options": {"axis": 1}},
    ),
    "it runs over axes [1] of [1, 6, 5, 4], not over height and width": (
        mean,
        {"inputs": numbers([1])},
    ),
    "it runs over axes [1, 2, 3]": (mean, {"inputs": numbers([1, 2, 3])}),
    "axes [4] of [1, 6, 5, 4] do not exist": (mean, {"inputs": numbers([4])}),
    "output of shape [1, 1, 1, 4] is not [1, 4]": (mean, {"options": {"keepDims": False}}),
    "operator 0 (MEAN): it has no list of axes": (mean, {"inputs": lambda cnn, inputs: inputs[:1]}),
    "operator 0 (ADD): it adds [1, 6, 5, 4] and a constant of [1, 6, 5, 4], not one": (
        plus,
        {
            "inputs": lambda cnn, inputs: [
                inputs[0],
                constant(cnn, np.ones((1, 6, 5, 4), np.int8), scale=0.1),
            ]
        },
    ),
    "operator 0 (ADD): 3 inputs, not 2": (plus, {"inputs": lambda cnn, inputs: [0, 0, 0]}),
    "tensor 0 ('input') has a batch of 2": (conv, {"at": 0, "tensor": {"shape": (2, 6, 5, 4)}}),
    "of shape [1, 1, 6, 5, 4] is not a map": (
        conv,
        {"at": 0, "tensor": {"shape": (1, 1, 6, 5, 4)}},
    ),
    "of shape [1, 0, 5, 4] is not a map": (conv, {"at": 0, "tensor": {"shape": (1, 0, 5, 4)}}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused_by_name_and_value(message):
    make, changes = REFUSED[message]
    data = edited(make, **changes)
    with pytest.raises(CelosiaError) as caught:
        tflite_network(data)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    try:
        outline = tflite_outline(data)
    except CelosiaError as error:
        assert message in str(error)
    else:
        (operation,) = [each for each in outline.operations if each.place is Place.UNSUPPORTED][-1:]
        assert operation.why in str(caught.value)


def test_values_that_are_regrouped():
    cnn = Cnn(rng(), (4, 4, 2), tame=True)
    data = cnn.build(cnn.convolution(cnn.reshape(cnn.convolution(0, 2), (2, 4, 4)), 3))
    says = "its input tensor 5 .* has the values of \\[4, 4, 2\\] regrouped as \\[2, 4, 4\\]"
    with pytest.raises(CelosiaError, match=says):
        tflite_network(data)


def test_a_broadcast_addition():
    cnn = Cnn(rng(), (4, 4, 2), tame=True)
    data = cnn.build(cnn.add(0, cnn.mean(0)))
    with pytest.raises(
        CelosiaError, match="inputs of \\[4, 4, 2\\] and \\[1, 1, 2\\] are broadcast"
    ):
        tflite_network(data)


def test_padding_with_a_value_is_refused_by_name():
    cnn = Cnn(rng(), (4, 4, 2), tame=True)
    last = cnn.pad(0, ((1, 1), (1, 1)))
    cnn.ops[-1].code, cnn.ops[-1].options = "PADV2", tfl.PadV2OptionsT()
    with pytest.raises(
        CelosiaError, match="operator 0 \\(PADV2\\): this operator is not supported"
    ):
        tflite_network(cnn.build(last))


@pytest.mark.parametrize(
    ("edges", "outputs", "message"),
    [
        ([(2, 1), (1, 2)], [2], "tensor 2 ('t2') is not computed before it"),
        ([(0, 2), (0, 2)], [2], "tensor 2 ('t2') has a value before it is computed"),
        ([(0, 0)], [0], "tensor 0 ('t0') has a value before it is computed"),
        ([(0, 1), (0, 2)], [2], "nothing reads its result, tensor 1 ('t1')"),
        ([(0, 1)], [1, 2], "the model's output tensor 2 ('t2') is not a layer's result"),
    ],
)
def test_graphs_that_are_none(edges, outputs, message):
    tensors = [Tensor((1, 2, 2, 1), "int8", 1 / 128, 0) for _ in range(3)]
    ops = [Op("TANH", [source], [target]) for source, target in edges]
    with pytest.raises(CelosiaError) as caught:
        tflite_network(build(tensors, ops, [0], outputs))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (conv, {"at": 1, "tensor": {"zero_point": 3}}),
        (conv, {"at": 1, "tensor": {"scale": np.full(8, 0.1), "axis": 1}}),
        (conv, {"at": 1, "tensor": {"scale": np.full(7, 0.1)}}),
        (conv, {"at": 1, "tensor": {"scale": None}}),
        (conv, {"at": 2, "tensor": {"scale": np.full(7, 0.1)}}),
        (conv, {"inputs": lambda cnn, inputs: inputs[:2]}),
        (deep, {"at": 1, "tensor": {"scale": np.full(4, 0.1), "axis": 0}}),
        (deep, {"at": 2, "tensor": {"zero_point": 3}}),
        (deep, {"at": 2, "tensor": {"scale": np.full(3, 0.1)}}),
        (deep, {"inputs": lambda cnn, inputs: [*inputs[:2], -1]}),
        (wide, {"inputs": numbers([[0, 0], [1, 1], [1, 1]])}),
        (join, {"tensor": {"scale": 9.0}}),
        (join, {"options": {"axis": 7}}),
    ],
)
def test_what_litert_refuses(make, changes):
    data = edited(make, **changes)
    with pytest.raises((RuntimeError, ValueError)):
        run(data, np.zeros((1, 6, 5, 4), np.int8), resize=False)
    with pytest.raises(CelosiaError):
        tflite_network(data)
