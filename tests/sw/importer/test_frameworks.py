"""Keras and PyTorch models: the imported float network gives what the framework itself gives."""

import numpy as np
import pytest
from tests.helpers.judges import Mlp, keras_file, needs, torch_file, torch_module

from celosia.importer import load_model, model_from_bytes, to_network
from celosia.importer.keras.activations import ACTIVATIONS
from celosia.importer.torch import from_module
from celosia.model.reference import evaluate
from celosia.support.errors import CelosiaError, Unsupported

X = np.random.default_rng(5).normal(0, 1, (40, 12)).astype(np.float32)


def saved(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return load_model(tmp_path / "model.keras")


def test_the_classifier_of_every_tutorial(tmp_path):
    """Dense(128, relu), Dense(64, relu), Dense(10, softmax), trained, saved, and run in int8."""
    needs("keras")
    import keras

    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 600)
    x = (rng.uniform(0, 0.4, (600, 28, 28)) + 0.6 * (np.arange(784) % 10 == y[:, None]).reshape(
        600, 28, 28)).astype(np.float32)  # fmt: skip
    model = keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=3, verbose=0)
    real = np.asarray(model.predict(x, verbose=0))
    network = to_network(saved(model, tmp_path), x[:200])
    assert network.host.input_shape == (28, 28) and network.host.output_shape == (10,)
    result = network.finish(evaluate(network.graph, network.prepare(x))[-1])
    assert np.abs(result - real).max() < 0.1
    assert (result.argmax(axis=1) == real.argmax(axis=1)).mean() > 0.99


@pytest.mark.parametrize("chunk", range(3))
def test_keras_activations(tmp_path, chunk):
    needs("keras")
    import keras

    for name in sorted(ACTIVATIONS)[chunk::3]:
        layers = [keras.Input((12,)), keras.layers.Dense(9, name), keras.layers.Dense(4)]
        model = keras.Sequential(layers)
        real = np.asarray(model(X))
        assert np.abs(saved(model, tmp_path).forward(X) - real).max() < 1e-5, name


def test_a_functional_keras_model(tmp_path):
    """Everything that is folded or vanishes, a nested model, and x * sigmoid(x)."""
    needs("keras")
    import keras

    layers, rng = keras.layers, np.random.default_rng(1)
    entry = keras.Input((3, 4))
    x = layers.Rescaling(1 / 255.0, offset=0.1)(entry)
    x = layers.BatchNormalization()(x)
    x = layers.Reshape((-1,))(x)
    x = layers.Dense(7, use_bias=False, name="first")(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.ReLU(max_value=6)(x)
    x = layers.GaussianNoise(0.1)(x)
    x = layers.BatchNormalization()(x)
    inner = [keras.Input((7,)), layers.Dense(6), layers.LeakyReLU(), layers.Dropout(0.3)]
    x = keras.Sequential(inner)(x)
    x = layers.Multiply()([x, layers.Activation("sigmoid")(x)])
    model = keras.Model(entry, layers.Softmax()(layers.Dense(3)(x)))
    for weight in model.weights:
        if not weight.path.endswith(("kernel", "bias")):
            weight.assign(rng.uniform(0.5, 2, weight.shape))
    images = X.reshape(40, 3, 4) * 100
    found = saved(model, tmp_path)
    kinds = [layer.kind for layer in found.layers]
    assert (
        kinds == ["scale", "dense", "scale", "dense", "dense"]
        and found.layers[1].origin == "Dense 'first'"
    )
    assert np.abs(found.forward(images) - np.asarray(model(images))).max() < 1e-5


def test_what_keras_models_cannot_be(tmp_path):
    needs("keras")
    import keras

    entry = keras.Input((12,))
    one, two = keras.layers.Dense(3)(entry), keras.layers.Dense(3)(entry)
    tall = keras.layers.Conv1D(2, 3, strides=2)(keras.layers.Reshape((6, 2))(entry))
    for end, says in (
        (keras.layers.Multiply()([one, two]), "Multiply 'multiply.*': it multiplies two branches"),
        (keras.layers.UnitNormalization()(one), "UnitNormalization 'unit.*': this layer is not"),
        (keras.layers.Dense(2)(keras.layers.Softmax()(one)), "softmax, which must be last"),
        (keras.layers.Conv1D(2, 3)(keras.layers.Reshape((3, 1))(one)), "not the order of a map"),
        (keras.layers.UpSampling1D()(tall), "UpSampling1D 'up.*': this layer is not supported"),
    ):
        with pytest.raises(Unsupported, match=says):
            saved(keras.Model(entry, end), tmp_path)


def modules():
    needs("torch")
    from torch import nn

    return [
        nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.Sigmoid(), nn.Tanh(), nn.Hardsigmoid(),
        nn.Hardswish(), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(), nn.GELU("tanh"),
        nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softsign(), nn.Hardtanh(-0.5, 0.7),
        nn.LogSigmoid(), nn.Threshold(0.1, 2), nn.Identity(),
    ]  # fmt: skip


@pytest.mark.parametrize("chunk", range(4))
def test_torch_activations(chunk):
    needs("torch")
    import torch

    mlp = Mlp.random(1, (12, 8, 4), norm=True)
    for each in modules()[chunk::4]:
        module = torch_module(mlp, lambda each=each: each)
        module.insert(0, torch.nn.Flatten())
        real = module(torch.tensor(X)).detach().numpy()
        assert np.abs(from_module(module, torch.tensor(X)).forward(X) - real).max() < 1e-5, each


def test_torch_functions():
    """Plain calls and arithmetic instead of modules."""
    needs("torch")
    import torch
    from torch.nn import functional as F

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(12, 6), torch.nn.Linear(6, 4)
            self.register_buffer("mean", torch.randn(12))

        def forward(self, x):
            x = (x - self.mean) / 2
            x = self.a(x.view(x.size(0), -1))
            x = F.dropout(x * torch.sigmoid(x), 0.5, self.training).clamp(-0.2, 0.9)
            return F.log_softmax(self.b(x) * 1.5 + 0.25, dim=-1)

    module = Net()
    module.train()
    found = from_module(module, torch.tensor(X))
    assert module.training and found.final == "log_softmax"
    module.eval()
    assert np.abs(found.forward(X) - module(torch.tensor(X)).detach().numpy()).max() < 1e-5


def test_a_program_needs_no_torch(tmp_path):
    """.pt2 files are read with the standard library and NumPy alone."""
    needs("torch")
    import subprocess
    import sys

    path = tmp_path / "model.pt2"
    path.write_bytes(torch_file(torch_module(Mlp.random(1, (12, 8, 4))), 12))
    code = (
        "import sys; from celosia.importer import load_model; "
        f"print(load_model({str(path)!r}).sizes, 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "(12, 8, 4) False"


def test_training_mode_is_refused():
    needs("torch")
    import torch

    module = torch_module(Mlp.random(1, (12, 8, 4), norm=True))
    with pytest.raises(Unsupported, match=r"export model.eval\(\)"):
        model_from_bytes(torch_file(module.train(), 12), "m")
    with pytest.raises(CelosiaError, match="torch.export fails"):
        from_module(module, torch.zeros(2, 3))


def test_the_command_line_takes_them(celosia, tmp_path):
    mlp = Mlp.random(1, (12, 8, 4))
    (tmp_path / "m.keras").write_bytes(keras_file(mlp))
    np.save(tmp_path / "x.npy", X)
    model, image, x, y = (tmp_path / name for name in ("m.keras", "m.celosia", "x.npy", "y.npy"))
    engine = ("--rows", 2, "--cols", 8)
    assert "add --calibrate" in celosia("compile", model, "-o", image, *engine).err
    ran = celosia("compile", model, "--calibrate", x, "-o", image, *engine)
    assert ran.status == 0, ran.err
    assert celosia("run", image, "--input", x, "-o", y).status == 0
    real = load_model(model).forward(X)
    result = np.load(y)
    assert result.dtype == np.float32 and np.abs(result - real).max() < 0.05
    y.unlink()
    ran = celosia("run", model, "--calibrate", x, "--input", x, "-o", y, *engine)
    assert ran.status == 0 and np.array_equal(np.load(y), result), ran.err
