"""int8 .tflite files: functions of one byte, constants for each channel, shapes that are computed;
every tensor against LiteRT, the result against TFLite Micro."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers import tflm
from tests.helpers.litert import Op, Tensor, run
from tests.helpers.random_cnns import Cnn, random_inputs

from celosia.compare import run_engine
from celosia.importer.tflite import tflite_network
from celosia.importer.tflite.outline import tflite_outline
from celosia.network.network import Network
from celosia.numerics.runtime import Runtime
from celosia.spec import Config
from celosia.support.errors import Unsupported

_OPTIONS = {"MUL": tfl.MulOptionsT, "SUB": tfl.SubOptionsT, "ADD": tfl.AddOptionsT}


def arithmetic(cnn: Cnn, code: str, inputs: list[int], scale: float, activation: int = 0) -> int:
    options = _OPTIONS[code]()
    options.fusedActivationFunction = activation
    tensor = next(each for each in inputs if cnn.tensors[each].data is None)
    result = cnn._result(cnn.shape(tensor), scale)
    return cnn._op(code, inputs, result, options)


def constant(cnn: Cnn, shape: tuple[int, ...], scale: float, zero_point: int) -> int:
    values = cnn.rng.integers(-128, 128, shape).astype(np.int8)
    cnn.tensors.append(Tensor(shape, "int8", np.float32(scale), zero_point, values))
    return len(cnn.tensors) - 1


def same(data: bytes, x: np.ndarray, engine: bool = False) -> Network:
    """The network of ``data``, all of whose tensors are LiteRT's, and its result TFLite Micro's."""
    network = tflite_network(data)
    judge = run(data, x, resize=False, key="index")
    entry = network.prepare(x)
    layers = network.graph.evaluate(entry)
    for layer, mine, tensor in zip(network.graph.layers, layers, network.tensors[1:], strict=True):
        if tensor != -1:
            assert np.array_equal(mine, judge[tensor].reshape(len(x), -1)), layer.name
    if engine:
        golden = run_engine(network.graph, entry, Config.default(2, 8, tables=16), "golden")
        assert np.array_equal(golden[-1], layers[-1])
    micro = tflite_network(data, reference=Runtime.TFLM)
    result = micro.graph.evaluate(micro.prepare(x))[-1]
    assert np.array_equal(micro.finish(result).reshape(len(x), -1), tflm.run(data, x, [])[0])
    return network


def scale_of(cnn: Cnn, code: str, one: int, other: int) -> float:
    """A scale that the results about fill."""
    a, b = (float(np.float32(cnn.tensors[each].scale)) for each in (one, other))
    full = a * b * 128 if code == "MUL" else max(a, b)
    return full * 10 ** cnn.rng.uniform(-0.3, 0.4)


@pytest.mark.parametrize("code", _OPTIONS)
def test_constants(code):
    """One number, or one for each channel, at either side, of maps and of vectors."""
    kinds = set()
    for seed in range(30):
        rng = np.random.default_rng([21, seed])
        cnn = Cnn(rng, (3, 2, int(rng.integers(2, 7))), tame=bool(seed % 2))
        x = cnn.convolution(0, int(rng.integers(2, 9)))
        if seed % 3 == 0:
            x = cnn.dense(x, 6)
        single = code == "SUB" or seed % 5 == 0
        size = () if seed % 2 and single else (1 if single else cnn.shape(x)[-1],)
        zero_point = int(rng.choice([-128, 0, 5]))
        c = constant(cnn, size, float(cnn.tensors[x].scale) * rng.uniform(0.2, 3), zero_point)
        inputs = [x, c] if rng.random() < 0.5 else [c, x]
        last = arithmetic(cnn, code, inputs, scale_of(cnn, code, x, c), int(rng.integers(0, 4)))
        data = cnn.build(cnn.dense(last, 4))
        try:
            network = same(data, random_inputs(rng, cnn.tensors[0].shape[1:], 8), seed % 10 == 0)
        except Unsupported as error:  # scales with which LiteRT aborts
            assert "too small" in str(error), f"seed {seed}"
            continue
        kinds.add(len(network.graph.layers) - (seed % 3 == 0))
    assert len(kinds) > (1 if code != "SUB" else 0)


def test_products_of_functions_of_one_byte():
    """``x * sigmoid(x)``, ``x * x`` and ``tanh(x) * sigmoid(x)`` are tables of the layer of x."""
    for seed in range(12):
        rng = np.random.default_rng([22, seed])
        cnn = Cnn(rng, (3, 3, 2), tame=True)
        x = cnn.convolution(0, 4)
        one = x if seed % 3 < 2 else cnn.activation(x, "TANH")
        other = x if seed % 3 == 1 else cnn.activation(x, "LOGISTIC")
        last = arithmetic(cnn, "MUL", [one, other], scale_of(cnn, "MUL", one, other))
        data = cnn.build(cnn.dense(last, 4))
        network = same(data, random_inputs(rng, (3, 3, 2), 8), seed < 3)
        assert [layer.kind for layer in network.graph.layers] == ["Convolution", "Dense"]
        kinds = [each.kind for each in tflite_outline(data).unsupported]
        assert not kinds


def test_the_operand_is_read_elsewhere():
    """What another layer reads, too, is not changed."""
    rng = np.random.default_rng(23)
    cnn = Cnn(rng, (3, 3, 2), tame=True)
    x = cnn.convolution(0, 4)
    gate = cnn.activation(x, "LOGISTIC")
    product = arithmetic(cnn, "MUL", [gate, x], scale_of(cnn, "MUL", gate, x))
    for other in (x, gate):
        data = cnn.build(cnn.dense(cnn.add(product, other), 4))
        same(data, random_inputs(rng, (3, 3, 2), 8))
        cnn.ops, cnn.tensors = cnn.ops[:3], cnn.tensors[: product + 1]


def test_of_two_branches():
    rng = np.random.default_rng(24)
    cnn = Cnn(rng, (3, 3, 2), tame=True)
    one, other = cnn.convolution(0, 4), cnn.convolution(0, 4)
    for code, verb in (("MUL", "multiplies"), ("SUB", "subtracts")):
        data = cnn.build(arithmetic(cnn, code, [one, other], 0.1))
        with pytest.raises(Unsupported, match=f"operator 2 .{code}.: it {verb} two branches"):
            tflite_network(data)
        cnn.ops.pop()


def open_batch(cnn: Cnn, x: int) -> int:
    """A flatten of TensorFlow with an open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""

    def integers(shape: tuple[int, ...], data=None) -> int:
        cnn.tensors.append(Tensor(shape, "int32", data=data))
        return len(cnn.tensors) - 1

    width = int(np.prod(cnn.shape(x)))
    of_int32, first, two = tfl.ShapeOptionsT(), tfl.StridedSliceOptionsT(), tfl.PackOptionsT()
    of_int32.outType, first.shrinkAxisMask, two.valuesCount = tfl.TensorType.INT32, 1, 2
    shape, batch, both = integers((4,)), integers(()), integers((2,))
    ends = [integers((1,), np.int32([each])) for each in (0, 1, 1)]
    wide = integers((), np.int32(width))
    cnn.ops += [
        Op("SHAPE", [x], [shape], of_int32),
        Op("STRIDED_SLICE", [shape, *ends], [batch], first),
        Op("PACK", [batch, wide], [both], two),
    ]
    result = cnn._same((width,), x)
    return cnn._op("RESHAPE", [x, both], result)


def test_flatten_with_an_open_batch():
    rng = np.random.default_rng(25)
    cnn = Cnn(rng, (3, 3, 2), tame=True)
    data = cnn.build(cnn.dense(open_batch(cnn, cnn.convolution(0, 4)), 3))
    same(data, random_inputs(rng, (3, 3, 2), 20), engine=True)
    found = [each.why for each in tflite_outline(data).operations]
    assert found[1:4] == ["computes a shape, known already"] * 3


def test_a_shape_of_values_is_refused():
    """Only constants and other shapes make a shape."""
    rng = np.random.default_rng(26)
    cnn = Cnn(rng, (3, 3, 2), tame=True)
    last = open_batch(cnn, 0)
    cnn.ops[1].inputs[0] = 0
    with pytest.raises(Unsupported, match="STRIDED_SLICE.*a shape of the model's values"):
        tflite_network(cnn.build(cnn.dense(last, 3)))


def test_layers_between_a_function_and_its_product():
    """A copy that is not the last layer is removed, too."""
    rng = np.random.default_rng(27)
    cnn = Cnn(rng, (3, 3, 2), tame=True)
    x = cnn.convolution(0, 4)
    gate = cnn.activation(x, "LOGISTIC")
    branch = cnn.convolution(0, 4)
    product = arithmetic(cnn, "MUL", [gate, x], scale_of(cnn, "MUL", gate, x))
    data = cnn.build(cnn.dense(cnn.add(branch, product), 4))
    network = same(data, random_inputs(rng, (3, 3, 2), 8))
    assert len(network.graph.layers) == 4
