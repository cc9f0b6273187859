"""ONNX: float models equal to onnxruntime's results, QDQ models to its integers."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers import float_cnns
from tests.helpers.judges import Mlp, needs, onnx_file, qdq_file

from celosia.demo import load_mnist, scaled
from celosia.demo.train import train_mlp
from celosia.importer import model_from_bytes, to_network
from celosia.model.reference import evaluate
from celosia.support.errors import CelosiaError, Unsupported

X = np.random.default_rng(5).uniform(-1, 1, (300, 20)).astype(np.float32)


def judge(data: bytes, x: np.ndarray, optimized: bool = True) -> np.ndarray:
    needs("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # Processors without VNNI saturate sums of two products otherwise, and compute something else.
    options.add_session_config_entry("session.x64quantprecision", "1")
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(data, options).run(None, {"input": x})[0]


ACTIVATIONS = (
    "Relu Sigmoid Tanh LeakyRelu HardSigmoid HardSwish Elu Selu Gelu Softplus Softsign Mish"
)


@pytest.mark.parametrize("activation", ACTIVATIONS.split())
def test_float(activation):
    data = onnx_file(Mlp.random(1, norm=True), "matmul", activation=activation)
    model = model_from_bytes(data, "m")
    assert np.abs(model.forward(X) - judge(data, X)).max() < 1e-5


def test_other_operators():
    """Clip, arithmetic with constants, shapes and everything that vanishes, on images."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(2)
    arrays = {
        "w": rng.normal(0, 0.3, (12, 7)),
        "b": rng.normal(0, 0.3, 7),
        "v": rng.normal(0, 0.3, (7, 4)),
        "half": np.float32(0.5),
        "two": np.float32(2),
        "per": rng.uniform(0.5, 2, (3, 4)),
        "low": np.float32(-0.4),
        "high": np.float32(0.9),
    }
    tensors = [
        numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in arrays.items()
    ]
    tensors.append(numpy_helper.from_array(np.array([-1, 12]), "flat"))
    steps = [
        ("Div", ["input", "two"], {}),
        ("Sub", ["@", "half"], {}),
        ("Mul", ["@", "per"], {}),
        ("Reshape", ["@", "flat"], {}),
        ("Gemm", ["@", "w", "b"], {"alpha": 0.7, "beta": 1.5}),
        ("Clip", ["@", "low", "high"], {}),
        ("Dropout", ["@"], {}),
        ("Identity", ["@"], {}),
        ("Cast", ["@"], {"to": TensorProto.FLOAT}),
        ("Add", ["@", "half"], {}),
        ("MatMul", ["@", "v"], {}),
        ("Flatten", ["@"], {"axis": 1}),
    ]
    nodes, current = [], "input"
    for index, (op, inputs, attributes) in enumerate(steps):
        inputs = [current if name == "@" else name for name in inputs]
        current = f"t{index}"
        nodes.append(helper.make_node(op, inputs, [current], **attributes))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("input", 1, ["n", 3, 4])],
        [helper.make_tensor_value_info(current, 1, ["n", 4])],
        tensors,
    )
    opset = [helper.make_opsetid("", 20)]
    data = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    x = rng.uniform(-1, 1, (50, 3, 4)).astype(np.float32)
    model = model_from_bytes(data, "m")
    # Factors at the input are the host's, those after a clip the quantizer's.
    assert [layer.kind for layer in model.layers] == ["scale", "dense", "scale", "dense"]
    assert model.layers[1].function.limits == pytest.approx((-0.4, 0.9))
    assert np.abs(model.forward(x) - judge(data, x)).max() < 1e-5


@pytest.fixture(scope="module")
def mnist(mnist_dir):
    """An MNIST network as ONNX, images, and float samples to calibrate with."""
    data = load_mnist(mnist_dir)
    mlp = train_mlp(data, epochs=2, seed=0)
    x = scaled(data.x_test).reshape(len(data.x_test), -1).astype(np.float32)
    sample = scaled(data.x_train[:500]).reshape(500, -1).astype(np.float32)
    layers = [layer.weights for layer in mlp.layers], [layer.bias for layer in mlp.layers]
    return onnx_file(Mlp(*layers), softmax=False), x, sample


def float32_requantized(data: bytes, x: np.ndarray) -> np.ndarray:
    """What onnxruntime's fused kernels compute: exact sums, rounded half to even in float32."""
    import onnx

    graph = onnx.load_from_string(data).graph
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}

    def quant(name):
        return constants[f"{name}_scale"], constants[f"{name}_zero_point"].astype(np.int64)

    limits = np.iinfo(constants["input_zero_point"].dtype)
    scale, zero = quant("input")
    q = np.clip(np.rint(x / scale) + zero, limits.min, limits.max).astype(np.int64)
    for node in (each for each in graph.node if each.op_type == "Gemm"):
        weights, bias = (
            name.removesuffix("_DequantizeLinear_Output") for name in list(node.input)[1:]
        )
        w = constants[f"{weights}_quantized"].astype(np.int64)
        w = w.T if any(a.name == "transB" and a.i for a in node.attribute) else w
        acc = (q - zero) @ w + constants[f"{bias}_quantized"]
        in_scale = scale
        scale, zero = quant(node.output[0].removesuffix("_QuantizeLinear_Input"))
        real = in_scale * constants[f"{weights}_scale"] / scale
        scaled_acc = acc.astype(np.float32) * real.astype(np.float32)
        q = np.clip(np.rint(scaled_acc) + zero, limits.min, limits.max).astype(np.int64)
    return (q - zero) * scale


@pytest.mark.parametrize("per_channel", [False, True], ids=["per-tensor", "per-channel"])
@pytest.mark.parametrize("activation", ["QInt8", "QUInt8"])
def test_qdq_mnist(mnist, tmp_path, per_channel, activation):
    """10,000 images: the same predictions as onnxruntime, and a reason for every other result.

    Its fused kernels scale the exact integer sums in float32, where a sum within about 2**-24 of a
    tie may fall to the other side: they equal that formula in every result, and the engine, which
    rounds exactly, differs by one step in a few. How many depends on the trained weights (0 to 8
    of 100,000 over four seeds). Without fusion onnxruntime computes whole layers in float32.
    """
    needs("onnxruntime")
    from onnxruntime.quantization import QuantType

    data, x, sample = mnist
    data = qdq_file(
        data,
        sample,
        tmp_path,
        per_channel=per_channel,
        activation_type=getattr(QuantType, activation),
        weight_type=QuantType.QInt8,
    )
    network = model_from_bytes(data, "m")
    assert (len(set(network.graph.layers[0].multiplier.tolist())) > 1) == per_channel
    y = network.finish(evaluate(network.graph, network.prepare(x))[-1])
    step = network.graph.output.scale
    for optimized in (True, False):
        real = judge(data, x, optimized)
        equal = (y.argmax(axis=1) == real.argmax(axis=1)).mean()
        off = np.rint(np.abs(y - real) / step)
        print(
            f"{'fused' if optimized else 'float'}: {equal:.2%} equal predictions, worst "
            f"{off.max():.0f} steps, {np.count_nonzero(off)} of {off.size} results differ"
        )
        assert equal >= 0.999 and off.max() <= 1 and (off > 0).mean() <= 5e-4
        if optimized:
            explained = np.rint(np.abs(float32_requantized(data, x) - real) / step)
            assert not explained.any()


@pytest.mark.parametrize("activation", ["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid"])
def test_qdq_activations(tmp_path, activation):
    needs("onnxruntime")
    from onnxruntime.quantization import QuantType

    data = onnx_file(Mlp.random(4), activation=activation)
    data = qdq_file(data, X, tmp_path, activation_type=QuantType.QInt8)
    network = model_from_bytes(data, "m")
    y = network.finish(evaluate(network.graph, network.prepare(X))[-1])
    assert np.abs(y - judge(data, X)).max() < 0.02


def test_qdq_a_bias_after_rounded_sums(tmp_path):
    """MatMul, then Add: quantize_static puts a QuantizeLinear between them."""
    needs("onnxruntime")
    from onnxruntime.quantization import QuantType

    data = qdq_file(
        onnx_file(Mlp.random(4), "matmul"), X, tmp_path, activation_type=QuantType.QInt8
    )
    network = model_from_bytes(data, "m")
    assert len(network.notes) == len(network.graph.layers)
    assert all("differ by 1 step, and by more" in note for note in network.notes)
    y = network.finish(evaluate(network.graph, network.prepare(X))[-1])
    assert np.abs(y - judge(data, X)).max() < 0.02


@pytest.mark.parametrize("seed", [2, 4, 8, 9, 12, 13, 15, 19, 20, 21])
def test_qdq_cnns(tmp_path, seed):
    """CNNs as quantize_static leaves them, with their own scales, against onnxruntime in float.

    All layers round once, as the file does, except sums of two maps and means, which are LiteRT's:
    a note names them, and some of their results differ by one step.
    """
    needs("onnxruntime")
    from onnxruntime.quantization import QuantType

    rng = np.random.default_rng([seed, 5])
    cnn = float_cnns.random_cnn(rng, common=True)
    x = rng.normal(0, 1, (60, *cnn.shape)).astype(np.float32)
    data = qdq_file(
        float_cnns.onnx_bytes(cnn),
        x,
        tmp_path,
        per_channel=bool(seed % 2),
        activation_type=QuantType.QInt8 if seed % 3 else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    network, real = model_from_bytes(data, "m", ".onnx"), judge(data, x, optimized=False)
    y = network.finish(evaluate(network.graph, network.prepare(x))[-1])
    assert y.shape == real.shape
    off = np.abs(y - real) / network.graph.layers[-1].result.scale
    twice = {"Add", "Mean"} & {layer.kind for layer in network.graph.layers}
    share = (off > 0.5).mean()
    print(f"{share:.2%} of {off.size} results differ, worst {off.max():.1f} steps")
    assert bool(network.notes) == bool(twice)
    assert off.max() < 2.1 and share < (0.25 if twice else 0.01)


def test_unsupported_names_operator_and_node():
    data = onnx_file(Mlp.random(1), activation="Asinh")
    with pytest.raises(Unsupported, match="Asinh 'Asinh_1': this operator is not supported"):
        model_from_bytes(data, "m")


def test_float_needs_calibration():
    model = model_from_bytes(onnx_file(Mlp.random(1)), "m")
    with pytest.raises(CelosiaError, match="--calibrate FILE.npy"):
        to_network(model)
    with pytest.raises(CelosiaError, match="not float"):
        to_network(model, X.astype(np.int8))
    wrong = replace(model, name="n")
    with pytest.raises(CelosiaError, match=r"\[3, 4\], not \[n, 20\]"):
        to_network(wrong, X[:3, :4])


@pytest.mark.parametrize("module, extra", [("onnx", "onnx"), ("h5py", "keras"), ("torch", "torch")])
def test_a_missing_package_is_named(monkeypatch, module, extra):
    from celosia.importer.guard import require

    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(CelosiaError, match=rf"package {module} .*pip install 'celosia\[{extra}\]'"):
        require(module, module, extra)
