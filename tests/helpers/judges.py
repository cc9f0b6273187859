"""The frameworks as judges of the importers, and one network as each of them writes it."""

import importlib
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

__all__ = ["Mlp", "keras_file", "needs", "onnx_file", "qdq_file", "torch_file", "torch_module"]

os.environ.setdefault("KERAS_BACKEND", "jax")


def needs(*modules: str) -> None:
    """Fail, not skip, without these: a test that does not run must be seen."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            pytest.fail(f"{error}; scripts/setup.sh dev, or: pip install -e '.[judge]'")


@dataclass
class Mlp:
    """Weights [in, out] and biases; batch normalization after the first activation if wanted."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    norm: tuple[np.ndarray, ...] | None = None

    @classmethod
    def random(cls, seed: int, sizes: tuple[int, ...] = (20, 16, 12, 5), norm: bool = False):
        rng = np.random.default_rng(seed)
        pairs = list(zip(sizes, sizes[1:], strict=False))
        weights = [rng.normal(0, 1 / np.sqrt(k), (k, n)).astype(np.float32) for k, n in pairs]
        biases = [rng.normal(0, 0.2, n).astype(np.float32) for _, n in pairs]
        four = [rng.uniform(0.5, 2, sizes[1]).astype(np.float32) for _ in range(4)]
        return cls(weights, biases, tuple(four) if norm else None)


def keras_file(mlp: Mlp, activation: str = "relu") -> bytes:
    """Dense(activation) ..., Dense(softmax), saved by Keras."""
    needs("keras")
    import tempfile

    import keras

    layers = [keras.Input((len(mlp.weights[0]),))]
    for index, bias in enumerate(mlp.biases):
        last = index == len(mlp.biases) - 1
        layers.append(keras.layers.Dense(len(bias), "softmax" if last else activation))
        if mlp.norm and index == 0:
            layers.append(keras.layers.BatchNormalization(epsilon=1e-3))
            layers.append(keras.layers.Dropout(0.5))
    model = keras.Sequential(layers)
    dense = [each for each in model.layers if isinstance(each, keras.layers.Dense)]
    for layer, w, b in zip(dense, mlp.weights, mlp.biases, strict=True):
        layer.set_weights([w, b])
    if mlp.norm:
        model.layers[1].set_weights(list(mlp.norm))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def torch_module(mlp: Mlp, activation=None):
    """The same in PyTorch; ``activation`` makes a module."""
    needs("torch")
    import torch
    from torch import nn

    layers = []
    for index, (w, b) in enumerate(zip(mlp.weights, mlp.biases, strict=True)):
        linear = nn.Linear(*w.shape)
        linear.weight.data, linear.bias.data = torch.tensor(w.T.copy()), torch.tensor(b)
        layers.append(linear)
        if index < len(mlp.weights) - 1:
            layers.append((activation or nn.ReLU)())
        if mlp.norm and index == 0:
            norm = nn.BatchNorm1d(len(b), eps=1e-3)
            gamma, beta, mean, variance = map(torch.tensor, mlp.norm)
            norm.weight.data, norm.bias.data = gamma, beta
            norm.running_mean, norm.running_var = mean, variance
            layers += [norm, nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Softmax(dim=1)).eval()


def torch_file(module, width: int) -> bytes:
    """What `torch.export.save` writes."""
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (torch.zeros(2, width),))
        torch.export.save(program, file)
    return file.getvalue()


def onnx_file(mlp: Mlp, form: str = "gemm", softmax: bool = True, activation: str = "Relu"):
    """As exporters write it: "gemm" (PyTorch: transB) or "matmul" (Keras, tf2onnx: MatMul, Add)."""
    needs("onnx")
    from onnx import helper, numpy_helper

    nodes, tensors, current = [], [], "input"

    def add(op: str, inputs: list[str], **attributes):
        nonlocal current
        output = f"{op}_{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        current = output

    def constant(value: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(value, f"constant_{len(tensors)}"))
        return tensors[-1].name

    for index, (w, b) in enumerate(zip(mlp.weights, mlp.biases, strict=True)):
        if form == "gemm":
            add("Gemm", [current, constant(w.T.copy()), constant(b)], transB=1)
        else:
            add("MatMul", [current, constant(w)])
            add("Add", [current, constant(b)])
        if index < len(mlp.weights) - 1:
            add(activation, [current])
        if mlp.norm and index == 0:
            add("BatchNormalization", [current, *map(constant, mlp.norm)], epsilon=1e-3)
    if softmax:
        add("Softmax", [current], axis=-1)
    shapes = ["n", len(mlp.weights[0])], ["n", len(mlp.biases[-1])]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("input", 1, shapes[0])],
        [helper.make_tensor_value_info(current, 1, shapes[1])],
        tensors,
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def qdq_file(data: bytes, sample: np.ndarray, folder: Path, **options) -> bytes:
    """``data`` after onnxruntime's static quantization."""
    needs("onnxruntime")
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter(np.array_split(sample, max(1, len(sample) // 100)))

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {"input": batch}

    source, target = folder / "float.onnx", folder / "qdq.onnx"
    source.write_bytes(data)
    quantize_static(source, target, Reader(), quant_format=QuantFormat.QDQ, **options)
    return target.read_bytes()
