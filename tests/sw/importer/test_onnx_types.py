"""Constants of ONNX in types that NumPy does not have, and forms of a model that are refused."""

import numpy as np
import pytest
from tests.helpers.judges import needs
from tests.helpers.onnx_text import onnx_model

from celosia.importer import load_model
from celosia.support.errors import CelosiaError

X = np.random.default_rng(7).normal(0, 1, (5, 4)).astype(np.float32)
STEPS = np.array([[1, -2, 7], [-8, 3, 0], [5, 5, -1], [2, -7, 4]])


def model_of(*constants, nodes="y = MatMul (x, w)"):
    graph = f"g (float[N, 4] x) => (float[N, 3] y) {{ {nodes} }}"
    model = onnx_model(graph, {}, opset=21, ir=10)
    model.graph.initializer.extend(constants)
    return model


def loaded(model, tmp_path):
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    return load_model(tmp_path / "model.onnx")


@pytest.mark.parametrize("kind", ["BFLOAT16", "FLOAT16"])
@pytest.mark.parametrize("raw", [False, True])
def test_half_precision(kind, raw, tmp_path):
    needs("onnx")
    import onnx

    number = getattr(onnx.TensorProto, kind)
    w = onnx.helper.make_tensor("w", number, STEPS.shape, STEPS.ravel() / 8)
    if raw:
        values = np.array(w.int32_data, np.uint16)
        w = onnx.helper.make_tensor("w", number, STEPS.shape, values.tobytes(), raw=True)
    nodes = "v = Cast <to = 1> (w) y = MatMul (x, v)"
    found = loaded(model_of(w, nodes=nodes), tmp_path).forward(X)
    assert np.abs(found - X @ (STEPS / 8)).max() < 1e-6


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("raw", [False, True])
def test_four_bits(signed, raw, tmp_path):
    needs("onnx")
    import onnx

    number = onnx.TensorProto.INT4 if signed else onnx.TensorProto.UINT4
    steps = STEPS if signed else STEPS + 8
    w = onnx.helper.make_tensor("w", number, STEPS.shape, steps.ravel())
    if raw:
        octets = np.array(w.int32_data, np.uint8).tobytes()
        w = onnx.helper.make_tensor("w", number, STEPS.shape, octets, raw=True)
    s = onnx.numpy_helper.from_array(np.float32(0.125), "s")
    zero = onnx.helper.make_tensor("z", number, (), [0 if signed else 8])
    nodes = "v = DequantizeLinear (w, s, z) y = MatMul (x, v)"
    found = loaded(model_of(w, s, zero, nodes=nodes), tmp_path).forward(X)
    assert np.abs(found - X @ (STEPS / 8)).max() < 1e-6


def test_fewer_bytes_than_numbers(tmp_path):
    needs("onnx")
    import onnx

    kind = onnx.TensorProto.INT4
    w = onnx.TensorProto(name="w", data_type=kind, dims=STEPS.shape, raw_data=b"abc")
    with pytest.raises(CelosiaError, match="3 bytes for 12 numbers of 4 bits"):
        loaded(model_of(w), tmp_path)


def test_sparse_tensors(tmp_path):
    needs("onnx")
    import onnx

    values = onnx.numpy_helper.from_array(np.float32([1, 2]), "w")
    places = onnx.numpy_helper.from_array(np.int64([0, 5]), "places")
    model = model_of()
    model.graph.sparse_initializer.append(
        onnx.helper.make_sparse_tensor(values, places, STEPS.shape)
    )
    with pytest.raises(CelosiaError, match="sparse tensors; save dense ones"):
        loaded(model, tmp_path)


def test_functions_of_the_model_s_own(tmp_path):
    needs("onnx")
    import onnx

    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 18, "own" : 1]>'
        "g (float[N, 4] x) => (float[N, 4] y) { y = own.twice (x) }"
        '<domain: "own", opset_import: ["" : 18]> twice (a) => (b) { b = Add (a, a) }'
    )
    with pytest.raises(CelosiaError, match="functions of its own"):
        loaded(model, tmp_path)


def test_words_among_constants(tmp_path):
    needs("onnx")
    import onnx

    w = onnx.helper.make_tensor("w", onnx.TensorProto.STRING, (2,), ["one", "two"])
    with pytest.raises(CelosiaError, match="MatMul .*its input 1 is of words, not of numbers"):
        loaded(model_of(w), tmp_path)
