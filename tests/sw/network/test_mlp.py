"""The float network: its arithmetic, its file, and every way either can be wrong."""

import io
import pickle

import numpy as np
import pytest

from celosia.network.mlp import FloatMLP
from celosia.support.errors import CelosiaError

W0 = np.array([[1, -1, 0.5], [2, 1, -1]], np.float32)
B0 = np.array([0, 0.5, 1], np.float32)
W1 = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
B1 = np.array([-1, 1], np.float32)


def model(weights=(W0, W1), biases=(B0, B1), activations=("relu", "none")):
    return FloatMLP(weights, biases, activations)


def same(a, b):
    pairs = zip(a.weights + a.biases, b.weights + b.biases, strict=True)
    return a.activations == b.activations and all(np.array_equal(p, q) for p, q in pairs)


def test_forward_by_hand():
    hidden, logits = model().layer_outputs(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert hidden.tolist() == [[1, 0, 1.5], [2, 1.5, 0]]
    assert logits.tolist() == [[1.5, 2.5], [1, 2.5]] and logits.dtype == np.float32
    x = np.ones((3, 1, 2), np.float32)
    np.testing.assert_array_equal(model().forward(x), model().layer_outputs(x[:, 0])[-1])
    assert model().predict(x).tolist() == [0, 0, 0]


def test_kept_as_read_only_float32_copies():
    weights = W0.astype(np.float64)
    kept = model((weights, W1))
    weights[:] = 9
    assert kept.weights[0].dtype == np.float32 and kept.weights[0][0, 0] == 1
    assert kept.sizes == (2, 3, 2)
    with pytest.raises(ValueError):
        kept.weights[0][0, 0] = 2


def spoiled(array, value):
    array = array.astype(np.float64)
    array.flat[-1] = value
    return array


@pytest.mark.parametrize(
    "change, words",
    [
        ({"weights": (), "biases": (), "activations": ()}, "0 weights, 0 biases"),
        ({"biases": (B0,)}, "2 weights, 1 biases and 2 activations"),
        ({"activations": ("relu",)}, "and 1 activations"),
        ({"activations": ("relu", "tanh")}, "layer 1: activation 'tanh' is unknown"),
        ({"biases": (B1, B1)}, "layer 0: weights have 3 outputs but biases 2"),
        (
            {"weights": (W0, W0), "biases": (B0, B0)},
            "layer 0: 3 outputs, but layer 1 takes 2 inputs",
        ),
        ({"weights": (W0, spoiled(W1, np.nan))}, r"weights\[1\]: nan at \[2, 1\]"),
        ({"biases": (spoiled(B0, -np.inf), B1)}, r"biases\[0\]: -inf at \[2\]"),
        ({"weights": (spoiled(W0, 1e39), W1)}, r"weights\[0\]: inf at \[1, 2\]"),
        ({"weights": (W0.astype(int), W1)}, r"weights\[0\]: int64 \[2, 3\], not float with 2"),
        ({"weights": (W0[0], W1)}, r"float32 \[3\], not float with 2"),
        ({"weights": (W0[:0], W1)}, "non-empty"),
    ],
)
def test_invalid_model(change, words):
    with pytest.raises(CelosiaError, match=words):
        model(**change)


@pytest.mark.parametrize(
    "x, words",
    [
        (np.zeros((1, 2), np.uint8), "input is uint8, not float"),
        (np.zeros((1, 3)), r"input is \[1, 3\], not \[n, 2\]"),
        (np.zeros(2), r"input is \[2\]"),
    ],
)
def test_invalid_input(x, words):
    with pytest.raises(CelosiaError, match=words):
        model().forward(x)


# --- its file ---


def test_save_and_load(tmp_path):
    path = tmp_path / "m.model"
    model().save(path)
    assert same(FloatMLP.load(path), model())
    assert [p.name for p in tmp_path.iterdir()] == ["m.model"]


def test_every_cut_is_noticed(tmp_path):
    raw = model().to_bytes()
    for length in range(0, len(raw), 7):
        (tmp_path / "m").write_bytes(raw[:length])
        with pytest.raises(CelosiaError, match="m: not an .npz file, or cut short or damaged"):
            FloatMLP.load(tmp_path / "m")


def test_every_damaged_byte_is_noticed_or_harmless(tmp_path):
    raw = model().to_bytes()
    for at in range(len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 0x41
        (tmp_path / "m").write_bytes(damaged)
        try:
            assert same(FloatMLP.load(tmp_path / "m"), model())  # a time stamp, say
        except CelosiaError as error:
            assert "\n" not in str(error)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = {"weights_0": W0, "biases_0": B0, "activations": np.array(["none"])}


@pytest.mark.parametrize(
    "raw, words",
    [
        (npz(**GOOD | {"weights_0": spoiled(W0, np.nan)}), r"m, weights\[0\]: nan at \[1, 2\]"),
        (npz(**GOOD | {"biases_0": B1}), "m, layer 0: weights have 3 outputs but biases 2"),
        (npz(**GOOD | {"activations": np.array(["gelu"])}), "'gelu' is unknown"),
        (npz(**GOOD | {"activations": np.array([1])}), "no list of activations"),
        (npz(**GOOD | {"activations": np.array("none")}), "no list of activations"),
        (npz(weights_0=W0, biases_0=B0), "no list of activations"),
        (npz(weights_0=W0, activations=np.array(["none"])), "'biases_0' is missing"),
        (npz(**GOOD, weights_1=W1), "'weights_1' is unexpected in a model of 1 layers"),
        (npz(activations=np.array([], "U4")), "0 weights"),
        (npz(**GOOD | {"weights_0": np.array([[object()]])}), "not an .npz file"),
        (npy(W0), "not an .npz file"),
        (pickle.dumps([1]), "not an .npz file"),
        (b"", "not an .npz file"),
    ],
)
def test_bad_file(tmp_path, raw, words):
    (tmp_path / "m").write_bytes(raw)
    with pytest.raises(CelosiaError, match=words) as caught:
        FloatMLP.load(tmp_path / "m")
    assert str(tmp_path / "m") in caught.value.where and caught.value.todo


def test_missing_file(tmp_path):
    with pytest.raises(CelosiaError, match="cannot read: No such file"):
        FloatMLP.load(tmp_path / "m")
    with pytest.raises(CelosiaError, match="cannot read: Is a directory"):
        FloatMLP.load(tmp_path)
