"""Padding and pools in all the modes of each framework, where windows do not fit evenly."""

import itertools
import warnings

import numpy as np
import pytest
from tests.helpers.float_cnns import saved_keras
from tests.helpers.judges import needs

from celosia.importer import model_from_bytes
from celosia.importer.torch import from_module

RNG = np.random.default_rng(7)
X1, X2 = (RNG.normal(0, 1, (3, 2, *sizes)).astype(np.float32) for sizes in ((11,), (9, 7)))


def close(result: np.ndarray, real: np.ndarray) -> bool:
    return result.shape == real.shape and bool(np.allclose(result, real, atol=1e-5))


def onnx_node(op: str, x: np.ndarray, arrays: tuple[np.ndarray, ...] = (), **attributes) -> bytes:
    """A model of one operator."""
    from onnx import helper, numpy_helper

    tensors = [numpy_helper.from_array(each, f"c{k}") for k, each in enumerate(arrays)]
    names = ["input", *(each.name for each in tensors)]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("input", 1, ["n", *x.shape[1:]])],
        [helper.make_tensor_value_info("y", 1, None)],
        tensors,
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def onnx_agrees(data: bytes, x: np.ndarray) -> bool:
    import onnxruntime

    real = onnxruntime.InferenceSession(data).run(None, {"input": x})[0]
    return close(model_from_bytes(data, "m").forward(x), real)


@pytest.mark.parametrize("x", [X1, X2], ids=["1d", "2d"])
@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
def test_onnx(x, mode):
    """Odd pixels of padding before or behind, and uneven pads."""
    needs("onnxruntime")
    axes = x.ndim - 2
    for kernel, stride in itertools.product((2, 3), (1, 2)):
        window = {"kernel_shape": [kernel] * axes, "strides": [stride] * axes, "auto_pad": mode}
        if mode == "NOTSET":
            window["pads"] = [1, 0, 0, 1][: 2 * axes]
        weights = RNG.normal(0, 1, (4, 1, *[kernel] * axes)).astype(np.float32)
        assert onnx_agrees(onnx_node("Conv", x, (weights,), group=2, **window), x)
        assert onnx_agrees(onnx_node("MaxPool", x, **window), x)
        for counted in (0, 1):
            data = onnx_node("AveragePool", x, count_include_pad=counted, **window)
            assert onnx_agrees(data, x), (kernel, stride, counted)


@pytest.mark.parametrize("form", ["channels_last", "channels_first"])
@pytest.mark.parametrize("x", [X1, X2], ids=["1d", "2d"])
def test_keras(x, form):
    needs("keras")
    import keras
    from keras import layers

    axes = x.ndim - 2
    x = x if form == "channels_first" else np.moveaxis(x, 1, -1)
    modes = ["same", "valid"] + ["causal"] * (axes == 1)
    for mode, kernel, stride in itertools.product(modes, (2, 3), (1, 2)):
        made = [getattr(layers, f"Conv{axes}D")(4, kernel, stride, mode, form)]
        if mode != "causal":
            made.append(getattr(layers, f"DepthwiseConv{axes}D")(kernel, stride, mode, 2, form))
            pools = ("MaxPooling", "AveragePooling") if form == "channels_last" else ("MaxPooling",)
            for name in pools:
                made.append(getattr(layers, f"{name}{axes}D")(kernel, stride, mode, form))
        for layer in made:
            model = keras.Sequential([keras.Input(x.shape[1:]), layer])
            model.set_weights([RNG.normal(0, 1, w.shape) for w in model.get_weights()])
            network = model_from_bytes(saved_keras(model), "m")
            assert close(network.forward(x), np.asarray(model(x))), (layer.name, mode, kernel)


def test_torch():
    needs("torch")
    import torch
    from torch import nn

    x = torch.tensor(X2)
    for module in (
        nn.Conv2d(2, 4, 3, padding="same", dilation=2),
        nn.Conv2d(2, 4, 2, padding="same"),
        nn.Conv2d(2, 4, (3, 2), (2, 1), (1, 0)),
        nn.MaxPool2d(2, 2, 1, ceil_mode=True),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.AdaptiveAvgPool2d((3, 7)),
        nn.AdaptiveAvgPool2d((None, 1)),
        nn.AdaptiveMaxPool2d(1),
        nn.Sequential(nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(2, 3, 3), nn.PReLU(3)),
    ):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch copies the input for even kernels
            real = module.eval()(x).numpy()
        assert close(from_module(module, x).forward(X2), real), module
    line = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(12, 2)
    )
    with torch.no_grad():
        real = line(torch.tensor(X1)).numpy()
    assert close(from_module(line, torch.tensor(X1)).forward(X1), real)
