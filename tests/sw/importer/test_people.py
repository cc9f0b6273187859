"""Models as people bring them: what each of these files once got wrong, or was refused for."""

import io
import json
import warnings
import zipfile

import numpy as np
import pytest
from tests.helpers.float_cnns import saved_keras
from tests.helpers.judges import needs

from celosia.importer import load_model, model_from_bytes
from celosia.importer.torch import from_module
from celosia.model.reference import evaluate
from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.support.errors import Unsupported

RNG = np.random.default_rng(3)
X = RNG.normal(0, 1, (60, 8)).astype(np.float32)
W1, W2 = (RNG.normal(0, 0.4, shape).astype(np.float32) for shape in ((8, 16), (16, 4)))
B1, B2 = (RNG.normal(0, 0.3, n).astype(np.float32) for n in (16, 4))


def onnx_model(nodes, arrays, shape=("n", 8), kind=1, outputs=("y",), opset=21, ml=False) -> bytes:
    """A model of (operator, inputs, output, attributes)."""
    needs("onnx")
    from onnx import helper, numpy_helper

    made = []
    for op, inputs, output, *more in nodes:
        domain = "ai.onnx.ml" if op in ("Scaler", "ArrayFeatureExtractor") else ""
        made.append(helper.make_node(op, inputs, [output], domain=domain, **(more or [{}])[0]))
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(each, 1, None) for each in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    sets = [helper.make_opsetid("", opset)] + [helper.make_opsetid("ai.onnx.ml", 1)] * ml
    return helper.make_model(graph, opset_imports=sets, ir_version=9).SerializeToString()


MLP = {"w1": W1, "b1": B1, "w2": W2, "b2": B2}
LAYERS = [("Gemm", ["f", "w1", "b1"], "h"), ("Relu", ["h"], "r"), ("Gemm", ["r", "w2", "b2"], "y")]
REAL = np.maximum(X @ W1 + B1, 0) @ W2 + B2


def agrees(model, x, real) -> bool:
    assert isinstance(model, FloatNetwork)
    return bool(np.allclose(model.forward(x), real, atol=1e-5))


def test_onnx_shapes_that_are_computed():
    """Flatten by parts of the input's own shape, with the attributes start and end, or a slice."""
    arrays = MLP | {"k": np.array([8]), "s": np.array([0]), "e": np.array([1])}
    for cut in (
        [("Shape", ["x"], "b", {"start": 0, "end": 1})],
        [("Shape", ["x"], "z"), ("Slice", ["z", "s", "e"], "b")],
    ):
        shape = [*cut, ("Concat", ["b", "k"], "t", {"axis": 0}), ("Reshape", ["x", "t"], "f")]
        data = onnx_model(shape + LAYERS, arrays, ("n", 2, 4))
        assert agrees(model_from_bytes(data, "m"), X.reshape(60, 2, 4), REAL)


def test_onnx_half_precision():
    half = {name: value.astype(np.float16) for name, value in MLP.items()}
    nodes = [("Cast", ["x"], "f", {"to": 10}), *LAYERS]
    model = model_from_bytes(onnx_model(nodes, half), "m")
    w1, b1, w2, b2 = (value.astype(np.float32) for value in half.values())
    assert agrees(model, X, np.maximum(X @ w1 + b1, 0) @ w2 + b2)


@pytest.mark.parametrize(("kind", "name"), [(2, "uint8"), (3, "int8"), (11, "float64")])
def test_onnx_other_inputs(kind, name):
    """The same values as float32, and a note that says so."""
    nodes = [("Cast", ["x"], "f", {"to": 1}), *LAYERS]
    model = model_from_bytes(onnx_model(nodes, MLP, kind=kind), "m")
    assert agrees(model, X, REAL) and name in model.notes[0]


def test_scikit_learn():
    """A scaler before it, a class for each probability after it."""
    arrays = MLP | {"classes": np.array([3, 5, 7, 9]), "one": np.array([-1])}
    offset, scale = RNG.normal(0, 1, 8), RNG.uniform(0.5, 2, 8)
    nodes = [
        ("Scaler", ["x"], "f", {"offset": offset.tolist(), "scale": scale.tolist()}),
        *LAYERS[:2],
        ("Gemm", ["r", "w2", "b2"], "z"),
        ("Softmax", ["z"], "y"),
        ("ArgMax", ["y"], "place", {"axis": 1}),
        ("ArrayFeatureExtractor", ["classes", "place"], "taken"),
        ("Reshape", ["taken", "one"], "label"),
    ]
    model = model_from_bytes(onnx_model(nodes, arrays, outputs=("label", "y"), ml=True), "m")
    assert model.final == "softmax" and "label" in model.notes[0] and "7" in model.notes[0]
    z = np.maximum((X - offset) * scale @ W1 + B1, 0) @ W2 + B2
    assert (model.predict(X) == z.argmax(axis=1)).all()
    two = [*LAYERS, ("ArgMax", ["y"], "place", {"axis": 1})]
    data = onnx_model([("Identity", ["x"], "f"), *two], MLP, outputs=("y", "place"))
    with pytest.raises(Unsupported, match=r"2 outputs \(y, place\), not 1"):
        model_from_bytes(data, "m")


def test_two_probabilities_are_one_layer():
    """1 - p beside p, as scikit-learn's classifiers of two classes write it."""
    arrays = {"w1": W1, "b1": B1, "w2": W2[:, :1], "b2": B2[:1], "one": np.float32(1)}
    nodes = [
        ("Identity", ["x"], "f"),
        *LAYERS[:2],
        ("Gemm", ["r", "w2", "b2"], "z"),
        ("Sigmoid", ["z"], "p"),
        ("Sub", ["one", "p"], "q"),
        ("Concat", ["q", "p"], "y", {"axis": 1}),
    ]
    model = model_from_bytes(onnx_model(nodes, arrays), "m")
    assert [layer.kind for layer in model.layers] == ["dense", "dense"]
    p = 1 / (1 + np.exp(-(np.maximum(X @ W1 + B1, 0) @ W2[:, :1] + B2[:1])))
    assert agrees(model, X, np.concatenate([1 - p, p], axis=1))


def quantized(w: np.ndarray, scale: float, low: int = -127) -> np.ndarray:
    return np.clip(np.rint(w / scale), low, -low).astype(np.int8)


def result(network: Network) -> np.ndarray:
    assert isinstance(network, Network)
    return network.finish(evaluate(network.graph, network.prepare(X))[-1])


def grid(x: np.ndarray, scale: float, low: int = -128, high: int = 127) -> np.ndarray:
    return np.clip(np.rint(x / np.float32(scale)), low, high) * np.float64(np.float32(scale))


def test_quantization_types_by_attribute():
    """`output_dtype` without a zero point: int8 with zero point 0, not uint8."""
    arrays = {
        "sx": np.float32(0.03),
        "sw": np.float32(0.01),
        "sy": np.float32(0.04),
        "w": quantized(W1, 0.01),
        "b": B1,
    }
    nodes = [
        ("QuantizeLinear", ["x", "sx"], "q", {"output_dtype": 3}),
        ("DequantizeLinear", ["q", "sx"], "d"),
        ("DequantizeLinear", ["w", "sw"], "wd"),
        ("Gemm", ["d", "wd", "b"], "h"),
        ("QuantizeLinear", ["h", "sy"], "o", {"output_dtype": 3}),
        ("DequantizeLinear", ["o", "sy"], "y"),
    ]
    real = grid(grid(X, 0.03) @ (quantized(W1, 0.01) * np.float64(np.float32(0.01))) + B1, 0.04)
    off = np.abs(result(model_from_bytes(onnx_model(nodes, arrays), "m")) - real) / 0.04
    assert (off > 0.1).mean() < 0.01 and off.max() < 1.1


@pytest.mark.parametrize("form", ["float weights", "clipped weights", "four bits"])
def test_quantization_aware_training(form):
    """PyTorch and AIMET keep weights float before QuantizeLinear, Brevitas clips integers."""
    least = -7 if form == "four bits" else -127
    scale = np.abs(W1).max(axis=0) / -least  # per channel
    arrays = {
        "sx": np.float32(0.03),
        "sw": scale,
        "sy": np.float32(0.04),
        "b": B1,
        "zx": np.int8(0),
        "w": W1 if form == "float weights" else quantized(W1, scale, least),
        "zw": np.zeros(16, np.int8),
        "low": np.int8(least),
        "high": np.int8(-least),
    }
    weights = {
        "float weights": [("QuantizeLinear", ["w", "sw", "zw"], "wq", {"axis": 1})],
        "clipped weights": [("Clip", ["w", "low", "high"], "wq")],
        "four bits": [("Clip", ["w", "low", "high"], "wq")],
    }[form]
    clip = (
        [("Clip", ["q", "low", "high"], "qc")]
        if form == "four bits"
        else [("Identity", ["q"], "qc")]
    )
    nodes = [
        ("QuantizeLinear", ["x", "sx", "zx"], "q"),
        *clip,
        ("DequantizeLinear", ["qc", "sx", "zx"], "d"),
        *weights,
        ("DequantizeLinear", ["wq", "sw", "zw"], "wd", {"axis": 1}),
        ("Gemm", ["d", "wd", "b"], "h"),
        ("QuantizeLinear", ["h", "sy", "zx"], "o"),
        ("DequantizeLinear", ["o", "sy", "zx"], "y"),
    ]
    x = grid(X, 0.03, least, -least) if form == "four bits" else grid(X, 0.03)
    real = grid(x @ (quantized(W1, scale, least) * scale.astype(np.float64)) + B1, 0.04)
    off = np.abs(result(model_from_bytes(onnx_model(nodes, arrays, opset=19), "m")) - real) / 0.04
    # The bias is rounded to the sums' step, a twelfth of a result's at four bits.
    assert (off > 0.1).mean() < 0.04 and off.max() < 1.1


def test_wide_activations_are_named():
    arrays = {"s": np.float32(0.03), "z": np.uint16(0)}
    nodes = [("QuantizeLinear", ["x", "s", "z"], "q"), ("DequantizeLinear", ["q", "s", "z"], "y")]
    with pytest.raises(Unsupported, match="activations are quantized to uint16"):
        model_from_bytes(onnx_model(nodes, arrays), "m")


def test_the_default_of_torch_onnx_export(tmp_path):
    """Weights in a file beside the model."""
    needs("torch", "onnxscript")
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    path = tmp_path / "m.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.tensor(X),), path, external_data=True, verbose=False)
    assert (tmp_path / "m.onnx.data").exists()
    assert agrees(load_model(path), X, module(torch.tensor(X)).detach().numpy())


def test_torch_heads():
    """Constants whose axes are moved, in-place forms, casts, a result without axes."""
    needs("torch")
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Net(nn.Module):
        def __init__(self, before=lambda x, s: x, middle=torch.relu, after=lambda x: x):
            super().__init__()
            self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 1)
            self.register_buffer("s", torch.tensor([1.0, -2.0]))
            self.before, self.middle, self.after = before, middle, after

        def forward(self, x):
            x = self.a(self.before(x.unflatten(1, (2, 4)), self.s).flatten(1))
            return self.after(self.b(self.middle(x)))

    x = torch.tensor(X)
    for each in (
        Net(lambda x, s: x * s.view(2, 1)),
        Net(lambda x, s: x * s.unsqueeze(1)),
        Net(lambda x, s: x * s.reshape(1, 2, 1) + s[0]),
        Net(lambda x, s: x.float()),
        Net(after=lambda x: x.squeeze(-1)),
        Net(middle=lambda x: F.dropout(torch.relu(x), 0.5, False, inplace=True)),
        Net(middle=lambda x: F.prelu(x, torch.full((1,), 0.25))),
        Net(middle=lambda x: torch.where(x > 0, x, 0.1 * x)),
        Net(middle=lambda x: 1 - x**2),
        Net(middle=lambda x: torch.maximum(x, 0.2 * x)),
        Net(middle=lambda x: x.clone().add_(1).relu_()),
        Net(middle=lambda x: torch.log(1 + torch.erfc(x))),
        nn.utils.parametrizations.weight_norm(nn.Linear(8, 3)),
    ):
        real = each.eval()(x).detach().numpy()
        found = from_module(each, x).forward(X)
        assert np.allclose(found.reshape(real.shape), real, atol=1e-5)
    # What is changed in place is changed in every view of it.
    stale = Net(middle=lambda x: (x.view(-1, 2, 3).relu_(), x)[1])
    with pytest.raises(Unsupported, match="changed in place"):
        from_module(stale.eval(), x)
    norm = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4, track_running_stats=False))
    with pytest.raises(Unsupported, match="track_running_stats=True"):
        from_module(norm.eval(), x)


def test_keras_activations_as_objects_and_models_in_models():
    needs("keras")
    import keras
    from keras import layers, ops

    entry = keras.Input((8,))
    x = layers.Dense(16, activation=layers.LeakyReLU(negative_slope=0.1))(entry)
    x = keras.Sequential([keras.Input((16,)), layers.Dense(6, layers.ReLU(max_value=2.0))])(x)
    x = ops.where(x > 0.5, 1 - x, x**2)
    end = keras.Sequential([keras.Input((6,)), layers.Dense(4, keras.activations.tanh)])
    model = keras.Model(entry, end(x))
    assert agrees(model_from_bytes(saved_keras(model), "m"), X, np.asarray(model(X)))


def keras_2(tmp_path) -> tuple[bytes, bytes]:
    """The files that TensorFlow 2.12 to 2.15 wrote of one model: .keras and .h5."""
    import h5py

    common = {"trainable": True, "dtype": "float32"}
    dense = {"activation": "linear", "use_bias": True, **common}
    layers = [
        ("InputLayer", {"batch_input_shape": [None, 8], "dtype": "float32", "name": "input_1"}),
        ("Dense", {"name": "first", "units": 16, **dense}),
        ("LeakyReLU", {"name": "leaky_re_lu", "alpha": 0.1, **common}),
        ("Dense", {"name": "second", "units": 4, **dense}),
    ]
    entries = [{"module": "keras.layers", "class_name": k, "config": c} for k, c in layers]
    model = {"class_name": "Sequential", "config": {"name": "sequential", "layers": entries}}
    new, old = io.BytesIO(), tmp_path / "old.h5"
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for place, values in (("dense", (W1, B1)), ("dense_1", (W2, B2))):
            for index, value in enumerate(values):
                file[f"layers/{place}/vars/{index}"] = value
    with zipfile.ZipFile(new, "w") as made:
        made.writestr("config.json", json.dumps(model))
        made.writestr("model.weights.h5", (tmp_path / "w.h5").read_bytes())
    with h5py.File(old, "w") as file:
        file.attrs["model_config"] = json.dumps(model)
        for name, values in (("first", (W1, B1)), ("second", (W2, B2))):
            names = [f"{name}/kernel:0", f"{name}/bias:0"]
            group = file.create_group(f"model_weights/{name}")
            group.attrs["weight_names"] = names
            for path, value in zip(names, values, strict=True):
                group[path] = value
    return new.getvalue(), old.read_bytes()


def test_keras_2(tmp_path):
    needs("h5py")
    h = X @ W1 + B1
    real = np.where(h > 0, h, 0.1 * h) @ W2 + B2
    for data in keras_2(tmp_path):
        assert agrees(model_from_bytes(data, "m"), X, real)


def test_no_attribute_is_ignored():
    """What is not known is refused by name and value, in every format."""
    needs("torch", "keras")
    import keras
    import torch

    data = onnx_model([("Relu", ["x"], "y", {"strange": 7})], {})
    with pytest.raises(Unsupported, match="Relu '0': attribute strange = 7 is not supported"):
        model_from_bytes(data, "m")
    pooled = torch.nn.Sequential(torch.nn.MaxPool1d(2, dilation=3))
    with pytest.raises(Unsupported, match=r"argument dilation = \[3\] is not supported"):
        from_module(pooled, torch.zeros(1, 2, 8))
    source = saved_keras(keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)]))
    archive, made = zipfile.ZipFile(io.BytesIO(source)), io.BytesIO()
    config = json.loads(archive.read("config.json"))
    config["config"]["layers"][1]["config"]["strange"] = 7
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", archive.read("model.weights.h5"))
    with pytest.raises(Unsupported, match="Dense 'dense.*': argument strange = 7 is not supported"):
        model_from_bytes(made.getvalue(), "m")
