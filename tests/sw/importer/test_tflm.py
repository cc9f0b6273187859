"""Networks imported for TFLite Micro against TFLite Micro itself, every tensor that it has."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.litert_graph import tflite_of
from tests.helpers.random_cnns import Cnn, random_cnn, random_inputs
from tests.helpers.random_floats import random_network
from tests.helpers.random_models import random_model
from tests.helpers.tflm import refuses, run

from celosia.cli import main
from celosia.compare import run_engine
from celosia.compiler.image import Image
from celosia.importer.tflite import tflite_network
from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import function, to_text
from celosia.network.layers import Dense
from celosia.network.network import Network
from celosia.network.network_file import network_from_bytes, network_to_bytes
from celosia.numerics.runtime import Runtime
from celosia.quant.quantize import quantized
from celosia.spec import Config, Rounding
from celosia.support.errors import Unsupported

#: Outputs, of 30 random inputs, in which LiteRT's bytes are others.
PUBLISHED = {
    "ad01_int8": True,
    "kws_ref_model": False,
    "pretrainedResnet_quant": False,
    "vww_96_int8": False,
}


def same(data: bytes, x: np.ndarray, where: str, engine: bool = False) -> Network:
    """The network of ``data``, all of whose tensors and whose result are TFLite Micro's.

    With ``engine`` those that a small engine's golden model computes are, too.
    """
    network = tflite_network(data, reference=Runtime.TFLM)
    output, *judge = run(data, x, list(network.tensors))
    entry = network.prepare(x)
    results = [network.graph.evaluate(entry)]
    if engine:
        results.append(run_engine(network.graph, entry, Config.default(2, 8, tables=16), "golden"))
    for layers in results:
        for layer, mine, theirs in zip(network.graph.layers, layers, judge[1:], strict=True):
            assert np.array_equal(mine, theirs), f"{where}: {layer.name}"
        heads = [layers[head - 1] for head in network.graph.outputs]
        if len(heads) == 1:
            result = network.finish(heads[0]).reshape(len(x), -1)
            assert np.array_equal(result, output), f"{where}: result"
    return network


def litert_differs(data: bytes, x: np.ndarray) -> int:
    """Bytes of the result in which the network imported for LiteRT differs from TFLite Micro."""
    network = tflite_network(data)
    result = network.finish(network.graph.evaluate(network.prepare(x))[-1])
    return int((result.reshape(len(x), -1) != run(data, x, [])[0]).sum())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models(models_dir, name):
    data = (models_dir / f"{name}.tflite").read_bytes()
    x = np.load(models_dir / "samples" / f"{name}.npy")[::2][:6]
    same(data, x, name)
    assert (litert_differs(data, x) > 0) == PUBLISHED[name]


def softmax(cnn: Cnn, source: int) -> int:
    options = tfl.SoftmaxOptionsT()
    options.beta = 1.0
    shape = cnn.tensors[source].shape
    cnn.tensors.append(Tensor(shape, "int8", np.float32(1 / 256), -128))
    cnn.ops.append(Op("SOFTMAX", [source], [len(cnn.tensors) - 1], options))
    return len(cnn.tensors) - 1


def hello_world(rng: np.random.Generator) -> tuple[Cnn, int]:
    """1-16-16-1 with ReLU, of the sine."""
    cnn = Cnn(rng, (1,), tame=True)
    return cnn, cnn.dense(cnn.dense(cnn.dense(0, 16, 1), 16, 1), 1)


def lenet(rng: np.random.Generator) -> tuple[Cnn, int]:
    """LeNet-5 with tanh and average pools."""
    cnn = Cnn(rng, (28, 28, 1), tame=True)
    current = cnn.activation(cnn.convolution(0, 6, (5, 5)), "TANH")
    current = cnn.pool(current, "AVERAGE_POOL_2D", (2, 2), (2, 2))
    current = cnn.activation(cnn.convolution(current, 16, (5, 5), same=False), "TANH")
    current = cnn.pool(current, "AVERAGE_POOL_2D", (2, 2), (2, 2))
    current = cnn.activation(cnn.dense(cnn.reshape(current, (400,)), 120), "TANH")
    current = cnn.activation(cnn.dense(current, 84), "TANH")
    return cnn, softmax(cnn, cnn.dense(current, 10))


def micro_speech(rng: np.random.Generator) -> tuple[Cnn, int]:
    """49 x 40 features, a depthwise convolution with ReLU, a dense layer, softmax."""
    cnn = Cnn(rng, (1960,), tame=True)
    current = cnn.depthwise(cnn.reshape(0, (49, 40, 1)), 8, (10, 8), (2, 2), activation=1)
    return cnn, softmax(cnn, cnn.dense(current, 4))


@pytest.mark.parametrize("kind", [hello_world, lenet, micro_speech])
def test_kinds_of_models_that_microcontrollers_run(kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        cnn, last = kind(rng)
        data = cnn.build(last)
        x = random_inputs(rng, cnn.tensors[0].shape[1:], 12)
        same(data, x, f"seed {seed}", engine=seed == 0)


def test_fifty_random_perceptrons():
    """Those with operators that TFLite Micro lacks are refused by both."""
    count, refused, differ = 0, 0, 0
    for seed in range(1000):
        rng = np.random.default_rng([14, seed])
        data, inputs, _ = random_model(rng)
        x = random_inputs(rng, (inputs,), 8)
        try:
            tflite_network(data, reference=Runtime.TFLM)
        except Unsupported as error:
            assert "TFLite Micro has no" in str(error) and refuses(data), f"seed {seed}"
            refused += 1
            continue
        same(data, x, f"seed {seed}", engine=count % 5 == 0)
        differ += litert_differs(data, x) > 0
        count += 1
        if count == 50:
            break
    assert count == 50 and refused > 10 and differ > 4


def test_fifty_random_cnns():
    for seed in range(50):
        rng = np.random.default_rng([15, seed])
        data = random_cnn(rng)
        shape = tflite_network(data).host.input_shape
        same(data, random_inputs(rng, shape, 4), f"seed {seed}", engine=seed % 5 == 0)


def test_steps_of_the_host():
    """Reals in, probabilities out, and uint8 at both ends."""
    rng = np.random.default_rng(16)
    for kind in ("float32", "uint8"):
        cnn = Cnn(rng, (20,), tame=True)
        probabilities = softmax(cnn, cnn.dense(0, 7))
        # The model's own input and result around the int8 ones.
        before, after = ((0.02, 5), (1 / 256, 0)) if kind == "uint8" else ((None, 0), (None, 0))
        at = len(cnn.tensors)
        cnn.tensors += [Tensor((1, 20), kind, *before), Tensor((1, 7), kind, *after)]
        last = "QUANTIZE" if kind == "uint8" else "DEQUANTIZE"
        cnn.ops = [Op("QUANTIZE", [at], [0]), *cnn.ops, Op(last, [probabilities], [at + 1])]
        data = build(cnn.tensors, cnn.ops, [at], [at + 1])
        x = rng.integers(0, 256, (40, 20)).astype(np.uint8)
        if kind == "float32":
            x = rng.normal(0, 100 * cnn.tensors[0].scale, (40, 20)).astype(np.float32)
        same(data, x, kind)


def test_one_scale_is_multiplied_in_float32():
    """Where the product of both scales needs more bits, the 31-bit factor is another one."""
    rng = np.random.default_rng(17)
    factors = set()
    for count in (1, 4):
        scales = np.full(count, np.float32(0.1))
        tensors = [
            Tensor((1, 64), "int8", np.float32(0.3), 0),
            Tensor((4, 64), "int8", scales, 0, rng.integers(-127, 128, (4, 64)).astype(np.int8)),
            Tensor((4,), "int32", np.float32(0.3) * scales, 0, np.zeros(4, np.int32)),
            Tensor((1, 4), "int8", np.float32(0.7), 0),
        ]
        data = build(tensors, [Op("FULLY_CONNECTED", [0, 1, 2], [3])], [0], [3])
        (layer,) = tflite_network(data, reference=Runtime.TFLM).graph.layers
        assert isinstance(layer, Dense) and layer.rounding is Rounding.DOUBLE
        factors.add(int(layer.multiplier[0]))
        same(data, random_inputs(rng, (64,), 50), f"{count} scales")
    assert len(factors) == 2


def changed(**values) -> bytes:
    """A dense layer and SOFTMAX, whose result has other ``values``."""
    cnn = Cnn(np.random.default_rng(18), (8,), tame=True)
    last = softmax(cnn, cnn.dense(0, 5))
    for name, value in values.items():
        setattr(cnn.tensors[last], name, value)
    return cnn.build(last)


def test_what_tflite_micro_refuses_is_refused():
    data = changed(scale=np.float32(1 / 256 * 1.0005))
    tflite_network(data)
    assert refuses(data)
    with pytest.raises(Unsupported, match="operator 1 .*1/256 exactly"):
        tflite_network(data, reference=Runtime.TFLM)
    cnn = Cnn(np.random.default_rng(19), (2, 2, 3), tame=True)
    data = cnn.build(cnn.concatenate(*[0] * 11))
    tflite_network(data)
    assert refuses(data)
    with pytest.raises(Unsupported, match="at most 10 inputs, not 11"):
        tflite_network(data, reference=Runtime.TFLM)


def test_a_file_of_the_network_keeps_the_reference():
    for reference in Runtime:
        network = tflite_network(changed(), reference=reference)
        again = network_from_bytes(network_to_bytes(network))
        assert again.reference is network.reference is reference


def float_case(number: int) -> tuple[FloatNetwork, np.ndarray]:
    rng = np.random.default_rng([20, number])
    if number:
        model = random_network(rng)
    else:  # enough sums that some lie next to a tie
        w, b = rng.normal(0, 0.2, (64, 400)), rng.normal(0, 0.2, 400)
        first = FloatDense(w, b, function=function("sigmoid"))
        model = FloatNetwork("wide", (first, FloatDense(w.T, b[:64])))
    return model, rng.normal(0.3, 1, (24, *model.input_shape)).astype(np.float32)


def test_float_models():
    """Calibrated for TFLite Micro: as a .tflite file of the same scales gives there, byte for byte,
    but for GELU, which it has not."""
    count, differ = 0, 0
    for number in range(20):
        model, x = float_case(number)
        if "gelu" in "".join(to_text(each.function) for each in model.layers):
            continue
        found = quantized(model, x, "minmax", reference="tflm")
        graph = found.network.graph
        assert found.network.reference is Runtime.TFLM
        q = found.network.prepare(x[:4])
        data = tflite_of(found.graph, graph)
        names = tensor_names(data)
        wanted = [names[f"result {index}"] for index in range(len(graph.layers))]
        _, *judge = run(data, q.reshape(-1, *graph.shapes[0]), wanted)
        for layer, mine, theirs in zip(graph.layers, graph.evaluate(q), judge, strict=True):
            assert np.array_equal(mine, theirs), f"network {number}, {layer.name}"
        other = quantized(model, x, "minmax").network
        pairs = zip(other.graph.evaluate(q), judge, strict=True)
        differ += any(not np.array_equal(mine, theirs) for mine, theirs in pairs)
        count += 1
    assert count > 12 and differ


def tensor_names(data: bytes) -> dict[str, int]:
    tensors = tfl.ModelT.InitFromPackedBuf(data, 0).subgraphs[0].tensors
    return {each.name.decode(): index for index, each in enumerate(tensors)}


def test_a_float_model_from_the_command_line(tmp_path):
    """`compile` and `run` with --reference tflm; the image records it."""
    model, x = float_case(3)
    paths = [str(tmp_path / name) for name in ("m.npz", "x.npy", "m.celosia", "y.npy")]
    model.save(paths[0])
    np.save(paths[1], x)
    engine = ["--rows", "2", "--cols", "4", "--tables", "16"]
    made = ["--calibrate", paths[1], "--reference", "tflm", "-o", paths[2]]
    assert main(["compile", paths[0], *engine, *made]) == 0
    assert Image.load(paths[2]).model.reference is Runtime.TFLM
    assert main(["run", paths[2], "--input", paths[1], "-o", paths[3]]) == 0
    network = quantized(model, x, reference="tflm").network
    y = network.finish(network.graph.evaluate(network.prepare(x))[-1])
    assert np.array_equal(np.load(paths[3]).reshape(y.shape), y)
