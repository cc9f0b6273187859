"""One network from Keras, PyTorch and their ONNX exports: one program image, byte for byte."""

import io
import warnings
from dataclasses import fields

import numpy as np
import pytest
from tests.helpers import float_cnns
from tests.helpers.judges import Mlp, keras_file, needs, onnx_file, torch_file, torch_module

from celosia.compiler import compile
from celosia.importer import model_from_bytes, to_network
from celosia.importer.torch import from_module
from celosia.network.float_network import FloatNetwork
from celosia.spec import Config

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
    """Of Keras with channels last, of the others with channels first: only the host's steps
    differ."""
    cnn = float_cnns.random_cnn(np.random.default_rng([seed, 4]), common=True)
    files = {
        "torch": float_cnns.torch_bytes(cnn, float_cnns.torch_module(cnn)),
        "onnx": float_cnns.onnx_bytes(cnn),
        "keras": float_cnns.saved_keras(float_cnns.keras_model(cnn)),
    }
    models = {kind: model_from_bytes(data, "cnn") for kind, data in files.items()}
    assert parts(models["torch"]) == parts(models["onnx"]) == parts(models["keras"])
    assert models["torch"].input_axes == models["onnx"].input_axes
    assert models["torch"].output_axes == models["onnx"].output_axes


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
