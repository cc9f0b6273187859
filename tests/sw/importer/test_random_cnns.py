"""Random CNNs through every importer: in float equal to the framework, and one program image."""

import numpy as np
import pytest
from tests.helpers.float_cnns import (
    keras_model,
    onnx_bytes,
    random_cnn,
    saved_keras,
    torch_bytes,
    torch_module,
)
from tests.helpers.judges import needs

from celosia.importer import model_from_bytes
from celosia.network.float_network import FloatNetwork
from celosia.network.steps import FloatSoftmax

#: Signal to noise in dB that a network of float32 weights has at least when it is right.
_LEAST = 110
_SEEDS = 40


def evaluated(network: FloatNetwork, x: np.ndarray) -> np.ndarray:
    """The network's own result, computed in float64 with its float32 weights."""
    graph = network.graph
    axes = network.input_axes or range(len(network.input_shape))
    maps = x.transpose(0, *(axis + 1 for axis in axes)).reshape(len(x), -1).astype(np.float64)
    y = graph.evaluate(maps)[-1][1]
    if network.output_axes:
        y = y.reshape(len(y), *graph.shapes[-1])
        y = y.transpose(0, *(axis + 1 for axis in network.output_axes))
    if network.final:
        y = FloatSoftmax(network.final == "log_softmax")(y.reshape(len(y), -1))
    return y.reshape(len(y), *network.output_shape)


def ratio(y: np.ndarray, real: np.ndarray) -> float:
    assert y.shape == real.shape
    noise = np.square(y - real).sum()
    return np.inf if not noise else 10 * np.log10(np.square(real).sum() / noise)


def sample(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(0, 1, (4, *shape)).astype(np.float32)


def torch_case(seed: int) -> float:
    import torch

    rng = np.random.default_rng([seed, 1])
    cnn = random_cnn(rng)
    module, x = torch_module(cnn), sample(rng, cnn.shape)
    network = model_from_bytes(torch_bytes(cnn, module), "m")
    with torch.no_grad():
        real = module.double()(torch.tensor(x, dtype=torch.float64)).numpy()
    return ratio(evaluated(network, x), real)


def keras_case(seed: int) -> float:
    rng = np.random.default_rng([seed, 2])
    cnn = random_cnn(rng, common=True)
    model, x = keras_model(cnn), sample(rng, (*cnn.shape[1:], cnn.shape[0]))
    network = model_from_bytes(saved_keras(model), "m")
    return ratio(evaluated(network, x), np.asarray(model(x), np.float64))


def onnx_case(seed: int) -> float:
    import onnxruntime

    rng = np.random.default_rng([seed, 3])
    cnn = random_cnn(rng)
    data, x = onnx_bytes(cnn), sample(rng, cnn.shape)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    real = onnxruntime.InferenceSession(data, options).run(None, {"input": x})[0]
    return ratio(evaluated(model_from_bytes(data, "m"), x), real.astype(np.float64))


CASES = {"torch": torch_case, "keras": keras_case, "onnxruntime": onnx_case}


@pytest.mark.parametrize("framework", CASES)
def test_float(framework):
    needs(framework)
    for seed in range(_SEEDS):
        found = CASES[framework](seed)
        assert found >= _LEAST, f"seed {seed}: {found:.1f} dB"
