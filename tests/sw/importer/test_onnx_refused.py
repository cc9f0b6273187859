"""What an ONNX model may ask for that no engine computes is refused, by its true reason."""

import numpy as np
import pytest
from tests.helpers.judges import needs
from tests.helpers.onnx_text import onnx_file

from celosia.importer import load_model
from celosia.support.errors import CelosiaError

#: Nodes that make y of x [n, 12], w [12, 6], b [6] and the map m [n, 2, 3, 2] of x with the kernel
#: k [3, 2, 1, 1] -> what the error says.
REFUSED = {
    "y = Gemm <transA = 1> (x, w, b)": "transA = 1 is not supported",
    "y = Gemm (w, x)": "weights depend on the model's input",
    "y = MatMul (x, x)": "a product of two tensors",
    "y = MatMul (b, x)": "a product of a constant and a tensor",
    "y = BatchNormalization <training_mode = 1> (x, b, b, b, b)": "in training mode",
    'y = Constant <value_string = "one"> ()': "a constant that is not a number",
    "s = Shape (x) z = ConstantOfShape (s) y = Add (x, z)": "a constant of shape",
    "y = BatchNormalization <spatial = 0> (x, b, b, b, b)": "spatial = 0 is not supported",
    "y = Cast <to = 3> (x)": "to int8; only float32 is computed",
    "c = Cast <to = 8> (w) y = MatMul (x, c)": "to string",
    "y = Flatten <axis = 0> (x)": "axis = 0 is not supported, only 1",
    "s = Constant <value_ints = [0, 12]> () y = Reshape <allowzero = 1> (x, s)": "allowzero = 1",
    "s = Constant <value_ints = [5, 6]> () p = MatMul (x, w) y = Expand (p, s)": r"of \[6\]",
    "s = Constant <value_ints = [90000, 6]> () e = Expand (b, s) y = MatMul (x, e)":
        r"a constant of \[6\] to \[90000, 6\]",
    "y = Softmax <axis = 0> (x)": "over axis 0",
    "c = Softmax <axis = 0> (w) y = MatMul (x, c)": "of a constant",
    "t = Constant <value_int = 1> () r = Constant <value_float = 0.5> () y = Dropout (x, r, t)":
        "in training mode",
    "a = Constant <value_int = 0> () z = Constant <value_int = 90000> () "
    "o = Constant <value_int = 1> () r = Range (a, z, o) y = Add (x, r)": "a range from 0 to 90000",
    "a = Constant <value_int = 0> () r = Range (a, a, a) y = Add (x, r)": "a range from 0 to 0",
    "y = Relu <colour = 3> (x)": "colour = 3 is not supported",
    "y = Relu (x, w)": "its input 1 is not supported",
    "y = Relu ()": "its input 0 is missing",
    "y = Add (x, nowhere)": "'nowhere' is not computed before it",
    "y = Clip (x, b)": "its min is not one constant number",
    'y = Elu <alpha = "big"> (x)': "alpha is big, not a number",
    "y = Flatten <axis = 1.5> (x)": "axis is 1.5, not an integer",
    'y = Gelu <approximate = "rough"> (x)': "approximate = rough is not supported",
    "y = Gelu <approximate = 1> (x)": "approximate is 1, not a word",
    "y = Transpose <perm = 1> (x)": "perm is 1, not a list of integers",
    "y = Squeeze (x, x)": "its input 1 depends on the model's input",
    "y = PRelu (x, x)": "slopes depend on the model's input",
    "y = Where (b, x, x)": "a constant condition that holds for some values only",
    "z = Constant <value_float = 0.0> () y = Div (x, z)": "division by zero",
    "y = Mul (x, y1) y1 = Relu (x)": "'y1' is not computed before it",
    "p = MatMul (x, w) y = Mul (x, p)": "two branches",
    "p = Mul (x, x) q = Add (p, p) y = Pow (q, b)": "exponent is not one constant number",
    "y = Pow (b, x)": "base is not one constant number",
    "g = Greater (x, w) y = Mul (x, g)": "a tensor and a constant of different numbers",
    "y = Conv (b, k)": "does not depend on the model's",
    "y = Conv (m, m)": "its input 1 depends on the model's input",
    "y = Conv <kernel_shape = [3, 3]> (m, k)": r"kernel_shape \[3, 3\], but weights",
    "y = Conv <strides = [1]> (m, k)": "on a map of 2 axes",
    "y = Conv <pads = [1, 1]> (m, k)": r"pads \[1, 1\] for 2 axes",
    "y = Conv <group = 2> (m, k)": "in 2 groups",
    'y = Conv <auto_pad = "SOME"> (m, k)': "auto_pad = SOME is not supported",
    "y = Conv <strides = [0, 1]> (m, k)": r"kernel \[1, 1\] or its stride",
    "y = Conv (m, k, w)": r"a bias of \[12, 6\] does not fit 3",
    "y = MaxPool <kernel_shape = [2, 2], dilations = [2, 2]> (m)": r"dilations = \[2, 2\] is not",
    "y, i = MaxPool <kernel_shape = [2, 2]> (m)": "the places of its maxima are an output",
    "y = MaxPool <kernel_shape = [9, 9]> (m)": "is larger than the map",
    "y = MaxPool <kernel_shape = [2]> (m)": "on a map of 2 axes",
    "y = ReduceMean <noop_with_empty_axes = 1> (m)": "noop_with_empty_axes = 1 is not supported",
    "y = ReduceMean (m)": "over the batch, too",
    "a = Constant <value_ints = [1]> () y = ReduceMax (m, a)": "not all pixels of a map",
    "a = Constant <value_ints = [3]> () y = ReduceMean (m, a)": "not all pixels of a map",
    "a = Constant <value_ints = [9]> () y = ReduceMean (m, a)": r"axes \[9\] of 4",
    'p = Constant <value_ints = [0, 0, 1, 1, 0, 0, 1, 1]> () y = Pad <mode = "reflect"> (m, p)':
        "mode = reflect is not supported, only constant",
    "p = Constant <value_ints = [1, 1]> () y = Pad (m, p)": r"pads \[1, 1\] for 4 axes",
    "p = Constant <value_ints = [0, 0, -1, 0, 0, 0, 0, 0]> () y = Pad (m, p)": "a negative border",
    "p = Constant <value_ints = [1, 0, 0, 0, 0, 0, 0, 0]> () y = Pad (m, p)": "around axis 0",
    "p = Constant <value_ints = [0, 1, 1, 1, 0, 1, 1, 1]> () y = Pad (m, p)":
        "a border around the channels",
    "p = Constant <value_ints = [0, 0, 1, 1, 0, 0, 1, 1]> () v = Constant <value_float = 2.0> () "
    "y = Pad (m, p, v)": "a border of 2, not of zeros",
    "s = Constant <value_ints = [5, 3]> () one, two = Split <axis = 1> (x, s) y = Relu (one)":
        r"parts of \[5, 3\] do not make 12",
    "s = Constant <value_ints = [1]> () e = Constant <value_ints = [4]> () "
    "a = Constant <value_ints = [0]> () y = Slice (x, s, e, a)": "leaves out images of the batch",
    "i = Constant <value_ints = [0]> () y = Gather <axis = 0> (x, i)": "images of the batch",
    "i = Constant <value_ints = [40]> () y = Gather <axis = 1> (x, i)": "do not fit",
    "a = Constant <value_ints = [0]> () y = Squeeze (x, a)": "removes the batch axis",
    "a = Constant <value_ints = [0]> () y = Unsqueeze (x, a)": "a new axis before the batch",
    "y = Transpose <perm = [1, 0]> (x)": "moves the batch axis",
    "y = Concat <axis = 0> (x, x)": "along the batch axis",
    "y = Concat <axis = 1> (x, b)": "it joins constants to a tensor",
    "s = Constant <value_ints = [7, -1]> () y = Reshape (w, s)": r"\[12, 6\] cannot become",
    "s = Constant <value_ints = [-1, 5]> () y = Reshape (x, s)": r"\[12\] to \[-1, 5\]",
    "s = Constant <value_ints = [-1, -1]> () y = Reshape (x, s)": "no batch axis first",
    "l = LogSoftmax (x) y = Relu (l)": "it follows a log_softmax, which must be last",
}  # fmt: skip


@pytest.mark.parametrize("nodes", REFUSED)
def test_the_reason_is_said(nodes, tmp_path):
    needs("onnx")
    rng = np.random.default_rng(11)
    constants = {
        key: rng.normal(0, 0.5, shape).astype(np.float32)
        for key, shape in (("w", (12, 6)), ("b", (6,)), ("k", (3, 2, 1, 1)))
    }
    path = onnx_file(
        tmp_path,
        "g (float[N, 12] x) => (float[N, M] y) {"
        "sizes = Constant <value_ints = [-1, 2, 3, 2]> () m = Reshape (x, sizes)"
        f"{nodes} }}",
        constants,
    )
    with pytest.raises(CelosiaError, match=REFUSED[nodes]):
        load_model(path)
