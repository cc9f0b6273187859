"""What a quantized ONNX model may hold that has no exact form is refused, by its true reason."""

import numpy as np
import pytest
from tests.helpers.judges import needs
from tests.helpers.onnx_text import onnx_file

from celosia.importer import load_model
from celosia.support.errors import CelosiaError

#: Scales, zero points and weights; `b` is float.
CONSTANTS = {
    "s": np.float32(0.03),
    "t": np.float32(0.05),
    "z": np.int8(0),
    "z3": np.int8(3),
    "u": np.uint8(0),
    "short": np.int16(0),
    "none": np.float32(0),
    "many": np.full(12, 0.03, np.float32),
    "three": np.full(3, 0.03, np.float32),
    "w": np.arange(-36, 36).reshape(12, 6).astype(np.int8),
    "wild": np.full((12, 6), 200, np.uint8),
    "b": np.linspace(-1, 1, 6).astype(np.float32),
    "huge": np.full(6, 1e9, np.float32),
    "zeros": np.zeros(12, np.float32),
    "far": np.full(12, 1e9, np.float32),
    "floats": np.random.default_rng(3).normal(0, 1, (12, 6)).astype(np.float32),
}
ENTRY = "q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z) "
LAYER = "wd = DequantizeLinear (w, s, z) h = Gemm (d, wd, b) "
END = "o = QuantizeLinear (h, t, z) y = DequantizeLinear (o, t, z)"

#: Nodes that make y of x [n, 12] -> what the error says.
REFUSED = {
    ENTRY + LAYER + "y = Relu (h)": "the model's output is not quantized",
    ENTRY + "y = Identity (d)": "the model has no quantized layer",
    LAYER.replace("(d,", "(x,") + END: "its input is not quantized",
    ENTRY + "h = Gemm (d, floats, b) " + END: "its weights are not quantized constants",
    ENTRY + LAYER.replace("b)", "huge)") + END: "a bias exceeds 32 bits",
    ENTRY + "wd = DequantizeLinear (wild, s, u) h = Gemm (d, wd, b) " + END:
        "weights minus their zero point exceed int8",
    ENTRY + LAYER + "g = Sigmoid (h) o = QuantizeLinear (g, t, z) y = DequantizeLinear (o, t, z)":
        "follows a layer whose sums have no scale",
    "r = Sigmoid (x) q = QuantizeLinear (r, s, z) d = DequantizeLinear (q, s, z) " + LAYER + END:
        "a function precedes the first QuantizeLinear",
    ENTRY + "p = QuantizeLinear (x, t, z) e = DequantizeLinear (p, t, z) h = Add (d, e) " + END:
        "quantized in two ways",
    ENTRY + "g = Sigmoid (d) wd = DequantizeLinear (w, s, z) h = Gemm (g, wd, b) " + END:
        "its input is not quantized after a function",
    "q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, t, z) " + LAYER + END:
        "differs from its QuantizeLinear's",
    "q = QuantizeLinear (x, s, z) d = DequantizeLinear (q, s, z3) " + LAYER + END:
        "differs from its QuantizeLinear's",
    "q = QuantizeLinear (x, s, short) y = DequantizeLinear (q, s, short)": "quantized to int16",
    "q = QuantizeLinear (x, many, z) y = DequantizeLinear (q, s, z)": "12 scales for a computed",
    "q = QuantizeLinear (x, none, z) y = DequantizeLinear (q, s, z)": "not a positive normal float",
    "q = QuantizeLinear <block_size = 4> (x, s, z) y = DequantizeLinear (q, s, z)": "block_size",
    "y = DequantizeLinear (x, s, z)": "is not from a QuantizeLinear",
    "q = QuantizeLinear (x, s, z) c = Cast <to = 1> (q) y = DequantizeLinear (c, s, z)":
        "of integers to float32",
    "q = QuantizeLinear (x, s, z) c = Relu (q) y = DequantizeLinear (c, s, z)":
        "not supported on integers",
    "q = QuantizeLinear (x, s, z) c = Clip (q, z3, z) y = DequantizeLinear (c, s, z)":
        "limits 3 and 0 leave nothing",
    "q = QuantizeLinear (x, s, z) a = Add (b, q) y = DequantizeLinear (a, s, z)": "integers",
    ENTRY + "wd = DequantizeLinear <axis = 5> (w, three, z) h = Gemm (d, wd, b) " + END:
        r"scales of shape \[3\] along axis 5",
    ENTRY + "h = Mul (d, zeros) " + END: "a factor of 0",
    ENTRY + "e = Mul (d, many) h = Add (e, far) " + END: "a summand exceeds 32 bits",
    ENTRY + "e = Mul (d, many) f = Sigmoid (e) "
    "o = QuantizeLinear (f, t, z) y = DequantizeLinear (o, t, z)":
        "follows a layer whose sums have no scale",
}  # fmt: skip


@pytest.mark.parametrize("nodes", REFUSED)
def test_the_reason_is_said(nodes, tmp_path):
    needs("onnx")
    graph = f"g (float[N, 12] x) => (float[N, M] y) {{ {nodes} }}"
    path = onnx_file(tmp_path, graph, CONSTANTS, opset=21)
    with pytest.raises(CelosiaError, match=REFUSED[nodes]):
        load_model(path)
