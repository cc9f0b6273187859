"""Quantized ONNX models of few operators against onnxruntime, at most a step apart."""

import numpy as np
import pytest
from tests.helpers.judges import needs
from tests.helpers.onnx_text import onnx_file

from celosia.importer import load_model
from celosia.model import evaluate

SCALE = np.float32(0.05)
CONSTANTS = {
    "s": np.float32(0.03),
    "t": SCALE,
    "z": np.int8(0),
    "u": np.uint8(128),
    "w": (np.arange(-96, 96) % 37 - 18).reshape(32, 6).astype(np.int8),
    "k": (np.arange(24) % 7 - 3).reshape(3, 2, 2, 2).astype(np.int8),
    "b": np.linspace(-1, 1, 6).astype(np.float32),
}
#: The input [n, 2, 4, 4] on a grid, dense and convolution layers, and the end.
ENTRY = "q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) "
FLAT = ENTRY + "f = Flatten <axis = 1> (d) wd = DequantizeLinear (w, s, z) "
LAYER = FLAT + "h = Gemm (f, wd, b) "
MAP = ENTRY + "kd = DequantizeLinear (k, s, z) c = Conv (d, kd) "
END = "o = QuantizeLinear (h, t, z) y = DequantizeLinear (o, t, z)"


def grid(name, result, scale="t", zero="z"):
    return (
        f"{result}_q = QuantizeLinear ({name}, {scale}, {zero}) "
        f"{result} = DequantizeLinear ({result}_q, {scale}, {zero}) "
    )


#: Name -> (nodes, type of the result).
NODES = {
    "bytes": (LAYER + "y = QuantizeLinear (h, t, z)", "int8"),
    "unsigned bytes": (LAYER + "y = QuantizeLinear (h, t, u)", "uint8"),
    "bytes with channels first": (MAP + "y = QuantizeLinear (c, t, z)", "int8"),
    "unsigned bytes with channels first": (MAP + "y = QuantizeLinear (c, t, u)", "uint8"),
    "a ReLU that two layers read": (
        FLAT + "r = Relu (f) one = Gemm (r, wd, b) two = Gemm (r, wd) "
        + grid("one", "p") + grid("two", "v")
        + "h = Concat <axis = 1> (p, v) " + END,
        "float32",
    ),
    "integers that are limited from below": (
        "q = QuantizeLinear (x, s, z) c = Clip (q, z) d = DequantizeLinear (c, s, z) "
        "f = Flatten <axis = 1> (d) wd = DequantizeLinear (w, s, z) h = Gemm (f, wd, b) " + END,
        "float32",
    ),
    "a maximum of integers": (
        "q = QuantizeLinear (x, s, z) m = MaxPool <kernel_shape = [2, 2]> (q) "
        "d = DequantizeLinear (m, s, z) kd = DequantizeLinear (k, s, z) h = Conv (d, kd) " + END,
        "float32",
    ),
    "a maximum on another grid": (
        MAP + grid("c", "e") + "h = MaxPool <kernel_shape = [2, 2]> (e) "
        "o = QuantizeLinear (h, s, z) y = DequantizeLinear (o, s, z)",
        "float32",
    ),
    "a mean of windows": (
        MAP + grid("c", "e") + "h = AveragePool <kernel_shape = [2, 2]> (e) " + END,
        "float32",
    ),
    "a mean of windows at the border": (
        MAP + grid("c", "e") + "h = AveragePool <kernel_shape = [2, 2], pads = [1, 1, 0, 0]> (e) "
        + END,
        "float32",
    ),
    "a mean of windows that end at the border": (
        MAP + grid("c", "e") + "h = AveragePool <kernel_shape = [2, 2], strides = [2, 2], "
        "ceil_mode = 1> (e) " + END,
        "float32",
    ),
    "a ReLU behind a mean": (
        MAP + grid("c", "e") + "a = AveragePool <kernel_shape = [2, 2]> (e) h = Relu (a) " + END,
        "float32",
    ),
    "a sum of maps with a ReLU": (
        MAP + grid("c", "e") + "g = Relu (e) i = Add (e, g) h = Relu (i) " + END,
        "float32",
    ),
    "a function of a grid": (
        MAP + grid("c", "e") + "h = Sigmoid (e) " + END,
        "float32",
    ),
    "maps of different grids side by side": (
        MAP + grid("c", "e") + grid("c", "g", "s") + "h = Concat <axis = 1> (e, g) " + END,
        "float32",
    ),
    "the shape of integers": (
        LAYER + "o = QuantizeLinear (h, t, z) n = Shape (o) r = Reshape (o, n) "
        "y = DequantizeLinear (r, t, z)",
        "float32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_it_is_that_of_onnxruntime(name, tmp_path):
    for package in ("onnx", "onnxruntime"):
        needs(package)
    import onnxruntime

    nodes, dtype = NODES[name]
    kind = "float" if dtype == "float32" else dtype
    graph = f"g (float[N, 2, 4, 4] x) => ({kind} y) {{ {nodes} }}"
    path = onnx_file(tmp_path, graph, CONSTANTS)
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), plain)
    x = np.random.default_rng(7).normal(0, 1, (40, 2, 4, 4)).astype(np.float32)
    (real,) = session.run(None, {"x": x})
    network = load_model(path)
    found = network.finish(evaluate(network.graph, network.prepare(x))[-1])
    assert found.dtype == real.dtype == dtype
    step = SCALE if dtype == "float32" else 1
    apart = np.abs(found.astype(np.float64) - real.reshape(found.shape)) / step
    assert apart.max() < 1.01 and (apart > 0.5).mean() < 0.2
