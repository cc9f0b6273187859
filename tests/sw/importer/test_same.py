"""One network from Keras, PyTorch and their ONNX exports: one program image, byte for byte."""

import io
import warnings
from dataclasses import fields

import numpy as np
import pytest
from tests.helpers import float_cnns
from tests.helpers.float_tflite import tflite_bytes
from tests.helpers.judges import Mlp, keras_file, needs, onnx_file, torch_file, torch_module

from celosia.compiler import compile
from celosia.importer import model_from_bytes, to_network
from celosia.importer.torch import from_module
from celosia.network.float_network import FloatNetwork
from celosia.spec import Config

#: Seeds of `test_one_cnn_one_graph` that are compiled, too: what the graphs make equal stays equal.
_IMAGES = (3, 4, 6, 9)
X = np.random.default_rng(5).uniform(0, 1, (200, 20)).astype(np.float32)


def image(model) -> bytes:
    network = to_network(model, X)
    return compile(network, Config.default(2, 8)).to_bytes()


def exported(module, dynamo: bool) -> bytes:
    import torch

    needs("onnxscript")
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {} if dynamo else {"dynamic_axes": {"input": {0: "n"}}}
        torch.onnx.export(
            module, (torch.zeros(2, 20),), file, input_names=["input"], dynamo=dynamo,
            verbose=False, **options,
        )  # fmt: skip
    return file.getvalue()


@pytest.mark.parametrize("norm", [False, True])
def test_one_network_one_image(norm):
    mlp = Mlp.random(1, norm=norm)
    module = torch_module(mlp)
    files = {
        "keras": keras_file(mlp),
        "torch": torch_file(module, 20),
        "onnx, gemm": onnx_file(mlp, "gemm"),
        "onnx, matmul": onnx_file(mlp, "matmul"),
        "torch.onnx": exported(module, dynamo=False),
        "torch.onnx, dynamo": exported(module, dynamo=True),
    }
    images = {kind: image(model_from_bytes(data, "mlp")) for kind, data in files.items()}
    import torch

    images["module"] = image(from_module(module, torch.zeros(1, 20), "mlp"))
    different = [kind for kind, data in images.items() if data != images["keras"]]
    assert not different


def parts(model: FloatNetwork) -> list:
    """All that the int8 network is made of; the file's own names are not among it."""
    found = []
    for layer, reads in zip(model.layers, model.reads, strict=True):
        values = {each.name: getattr(layer, each.name) for each in fields(layer)}
        values.pop("origin")
        plain = {
            name: value.tobytes() if isinstance(value, np.ndarray) else value
            for name, value in values.items()
        }
        found.append((layer.kind, reads, plain))
    return [*found, model.final]


@pytest.mark.parametrize("seed", range(20))
def test_one_cnn_one_graph(seed):
    """Of Keras and TFLite with channels last, of the others with channels first: only the host's
    steps differ."""
    cnn = float_cnns.random_cnn(np.random.default_rng([seed, 4]), common=True)
    files = {
        "torch": float_cnns.torch_bytes(cnn, float_cnns.torch_module(cnn)),
        "onnx": float_cnns.onnx_bytes(cnn),
        "keras": float_cnns.saved_keras(float_cnns.keras_model(cnn)),
        "tflite": tflite_bytes(cnn),
    }
    models = {kind: model_from_bytes(data, "cnn") for kind, data in files.items()}
    assert parts(models["torch"]) == parts(models["onnx"]) == parts(models["keras"])
    norms = any(kind in ("norm", "residual") for kind, _ in cnn.layers)
    if norms:
        # A TFLite file has the factors of a batch normalization rounded to float32.
        assert close(models["tflite"], models["keras"])
    else:
        assert parts(models["tflite"]) == parts(models["keras"])
    first, last = ("torch", "onnx"), ("keras", "tflite")
    for one, other in (first, last):
        assert models[one].input_axes == models[other].input_axes
        assert models[one].output_axes == models[other].output_axes
    if seed in _IMAGES:
        x = np.random.default_rng([seed, 6]).normal(0, 1, (16, *cnn.shape)).astype(np.float32)
        samples = {"torch": x, "onnx": x} | dict.fromkeys(last, np.moveaxis(x, 1, -1))
        same_images({kind: (models[kind], samples[kind]) for kind in models}, norms)


def close(one: FloatNetwork, other: FloatNetwork) -> bool:
    """Whether only the last bits of numbers differ."""
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        for each in fields(mine):
            a, b = getattr(mine, each.name), getattr(theirs, each.name)
            if isinstance(a, np.ndarray):
                if not np.allclose(a, b, rtol=1e-6, atol=1e-6):
                    return False
            elif each.name != "origin" and a != b:
                return False
    return one.reads == other.reads and one.final == other.final


def same_images(models: dict[str, tuple[FloatNetwork, np.ndarray]], norms: bool) -> None:
    """With the same sample the engine's program is the same, byte for byte; with the host's steps
    that of one order of channels."""
    config = Config.default(2, 8, tables=16)
    networks = {kind: to_network(model, x) for kind, (model, x) in models.items()}
    programs = {kind: compile(each.graph, config).to_bytes() for kind, each in networks.items()}
    whole = {kind: compile(each, config).to_bytes() for kind, each in networks.items()}
    if norms:
        programs.pop("tflite")
    assert len(set(programs.values())) == 1
    assert whole["torch"] == whole["onnx"]
    assert norms or whole["keras"] == whole["tflite"]


def test_the_image_gives_the_models_own_outputs():
    mlp = Mlp.random(2)
    network = to_network(model_from_bytes(onnx_file(mlp), "mlp"), X)
    from celosia.compiler.image import Image
    from celosia.model import run

    loaded = Image.from_bytes(compile(network, Config.default(2, 8)).to_bytes())
    host = loaded.model.host
    y = host.finish(run(loaded, host.prepare(X))[-1])
    real = model_from_bytes(onnx_file(mlp), "mlp").forward(X)
    assert y.dtype == np.float32 and y.shape == (200, 5)
    assert np.abs(y - real).max() < 0.03 and np.allclose(y.sum(axis=1), 1)
