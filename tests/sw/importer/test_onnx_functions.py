"""Operators of ONNX, of inputs and of constants, against onnxruntime."""

import numpy as np
import pytest
from tests.helpers.judges import needs
from tests.helpers.onnx_text import onnx_file

from celosia.importer import load_model

X = np.random.default_rng(7).normal(0, 1, (40, 12)).astype(np.float32)

#: Name -> nodes that make y of x [n, 12] with w [12, 6] and b [6].
NODES = {
    "Split": """parts = Constant <value_ints = [5, 7]> ()
        one, other = Split <axis = 1> (x, parts) c = Concat <axis = 1> (one, other)
        y = MatMul (c, w)""",
    "Split evenly": """one, other = Split <axis = 1, num_outputs = 2> (x)
        c = Concat <axis = 1> (one, other) y = MatMul (c, w)""",
    "Slice": """m = MatMul (x, w) from = Constant <value_ints = [1]> ()
        to = Constant <value_ints = [5]> () axis = Constant <value_ints = [1]> ()
        y = Slice (m, from, to, axis)""",
    "Expand": """sizes = Constant <value_ints = [1, 6]> () e = Expand (b, sizes)
        m = MatMul (x, w) y = Add (m, e)""",
    "Shape": """s = Shape <start = 0, end = 1> (x) six = Constant <value_ints = [6]> ()
        sizes = Concat <axis = 0> (s, six) m = MatMul (x, w) y = Reshape (m, sizes)""",
    "ConstantOfShape": """n = Constant <value_ints = [6]> () z = ConstantOfShape (n)
        m = MatMul (x, w) y = Add (m, z)""",
    "Cast": """c = Cast <to = 1> (x) y = MatMul (c, w)""",
    "CastLike": """c = CastLike (x, w) y = MatMul (c, w)""",
    "Flatten": """s = Constant <value_ints = [-1, 3, 4]> () r = Reshape (x, s)
        f = Flatten <axis = 1> (r) y = MatMul (f, w)""",
    "Squeeze": """a = Constant <value_ints = [1]> () m = MatMul (x, w) u = Unsqueeze (m, a)
        y = Squeeze (u, a)""",
    "Gather": """i = Constant <value_ints = [5, 0, 2]> () g = Gather <axis = 1> (w, i)
        y = MatMul (x, g)""",
    "Transpose": """t = Transpose <perm = [1, 0]> (w) u = Transpose (t) y = MatMul (x, u)""",
    "Sum": """m = MatMul (x, w) y = Sum (m, b, b)""",
    "Mean": """m = MatMul (x, w) y = Mean (m, b)""",
    "Max": """l = Constant <value_float = -0.5> () m = MatMul (x, w) y = Max (m, l)""",
    "Min": """l = Constant <value_float = 0.5> () m = MatMul (x, w) y = Min (m, l)""",
    "Sub": """m = MatMul (x, w) y = Sub (m, b)""",
    "Sub from": """m = MatMul (x, w) y = Sub (b, m)""",
    "Div": """two = Constant <value_float = 2.5> () m = MatMul (x, w) y = Div (m, two)""",
    "constants": """two = Constant <value_float = 2.0> () p = Pow (w, two) d = Div (p, two)
        s = Sub (d, w) y = MatMul (x, s)""",
    "Where": """zero = Constant <value_float = 0.0> () big = Greater (w, zero)
        v = Where (big, w, zero) y = MatMul (x, v)""",
    "Less": """zero = Constant <value_float = 0.0> () small = LessOrEqual (w, zero)
        v = Where (small, w, zero) y = MatMul (x, v)""",
    "PRelu": """m = MatMul (x, w) y = PRelu (m, b)""",
    "Range": """one = Constant <value_int = 1> () zero = Constant <value_int = 0> ()
        six = Constant <value_int = 6> () r = Range (zero, six, one) f = Cast <to = 1> (r)
        m = MatMul (x, w) y = Add (m, f)""",
    "ReduceProd": """s = Shape (w) p = ReduceProd <keepdims = 0> (s) f = Cast <to = 1> (p)
        m = MatMul (x, w) y = Div (m, f)""",
    "LogSoftmax": """m = MatMul (x, w) y = LogSoftmax <axis = -1> (m)""",
    "Flatten of a constant": """n = Constant <value_ints = [12, 2, 3]> () r = Reshape (w, n)
        f = Flatten <axis = 1> (r) y = MatMul (x, f)""",
    "Expand of a value": """n = Constant <value_ints = [1, 6]> () m = MatMul (x, w)
        y = Expand (m, n)""",
    "CastLike of a value": """m = MatMul (x, w) y = CastLike (m, b)""",
    "CastLike of a constant": """c = CastLike (b, w) m = MatMul (x, w) y = Add (m, c)""",
    "CastLike a value": """m = MatMul (x, w) i = Constant <value_ints = [1, 2, 3, 4, 5, 6]> ()
        c = CastLike (i, m) y = Add (m, c)""",
    "ThresholdedRelu": """m = MatMul (x, w) y = ThresholdedRelu <alpha = 0.4> (m)""",
    "Squeeze of all": """a = Constant <value_ints = [1]> () m = MatMul (x, w)
        u = Unsqueeze (m, a) y = Squeeze (u)""",
    "Concat of one": """m = MatMul (x, w) y = Concat <axis = 1> (m)""",
    "Concat of different functions": """m = MatMul (x, w) r = Relu (m) s = Sigmoid (m)
        y = Concat <axis = 1> (r, s)""",
    "Gemm": """t = Transpose (w) y = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (x, t, b)""",
}

#: The same of older operator sets: (operator set, nodes).
OLD = {
    "Softmax of all axes from the second on": (
        11,
        """n = Constant <value = int64[3] {-1, 1, 6}> () m = MatMul (x, w) r = Reshape (m, n)
        y = Softmax (r)""",
    ),
    "Softmax over two axes": (
        11,
        """n = Constant <value = int64[3] {-1, 2, 3}> () m = MatMul (x, w) r = Reshape (m, n)
        y = Softmax <axis = 1> (r)""",
    ),
    "Squeeze": (
        11,
        """m = MatMul (x, w) u = Unsqueeze <axes = [1]> (m)
        y = Squeeze <axes = [1]> (u)""",
    ),
    "Slice": (9, "m = MatMul (x, w) y = Slice <axes = [1], starts = [1], ends = [5]> (m)"),
    "Split": (
        11,
        """a, c = Split <axis = 1, split = [5, 7]> (x) d = Concat <axis = 1> (a, c)
        y = MatMul (d, w)""",
    ),
    "Clip": (10, "m = MatMul (x, w) y = Clip <min = -0.5, max = 1.0> (m)"),
    "Dropout": (11, "m = MatMul (x, w) y = Dropout <ratio = 0.3> (m)"),
}  # fmt: skip


@pytest.mark.parametrize("name", [*NODES, *(f"{name}, old" for name in OLD)])
def test_it_is_that_of_onnxruntime(name, tmp_path):
    opset, nodes = (18, NODES[name]) if name in NODES else OLD[name.removesuffix(", old")]
    for package in ("onnx", "onnxruntime"):
        needs(package)
    import onnxruntime

    rng = np.random.default_rng(11)
    constants = {
        key: rng.normal(0, 0.5, shape).astype(np.float32)
        for key, shape in (("w", (12, 6)), ("b", (6,)))
    }
    graph = f"g (float[N, 12] x) => (float y) {{ {nodes} }}"
    path = onnx_file(tmp_path, graph, constants, opset, ir=7)
    (real,) = onnxruntime.InferenceSession(str(path)).run(None, {"x": X})
    found = load_model(path).forward(X)
    assert np.abs(found - real.reshape(found.shape)).max() < 1e-5
