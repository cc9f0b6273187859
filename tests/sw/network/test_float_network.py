"""The float network: its arithmetic, its file, and every way either can be wrong."""

import io
import json
import pickle

import numpy as np
import pytest

from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip, from_text, function, to_text
from celosia.support.errors import CelosiaError

W0 = np.array([[1, -1, 0.5], [2, 1, -1]], np.float32)
B0 = np.array([0, 0.5, 1], np.float32)
W1 = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
B1 = np.array([-1, 1], np.float32)


#: With everything that a file of another framework can ask for.
FULL = FloatNetwork(
    "full",
    (
        FloatDense(W0, B0, function=function("elu", 0.5, args=(clip(-1, 6),)), origin="first"),
        FloatDense(W1, B1),
    ),
    input_shape=(1, 2),
    output_shape=(2, 1),
    final="log_softmax",
    notes=("a remark",),
    passed=(("Dropout", "changes nothing"),),
)


def model(weights=(W0, W1), biases=(B0, B1), activations=("relu", "none")):
    return FloatNetwork.from_arrays(weights, biases, activations)


def same(a: FloatNetwork, b: FloatNetwork) -> bool:
    def rest(network):
        layers = [(layer.function, layer.origin) for layer in network.layers]
        return vars(network) | {"layers": layers, "graph": None}

    return rest(a) == rest(b) and all(
        np.array_equal(p.weights, q.weights) and np.array_equal(p.bias, q.bias)
        for p, q in zip(a.layers, b.layers, strict=True)
    )


def test_forward_by_hand():
    (sums, hidden), (logits, same) = model().layer_outputs(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert sums.tolist() == [[1, -0.5, 1.5], [2, 1.5, 0]]
    assert hidden.tolist() == [[1, 0, 1.5], [2, 1.5, 0]]
    assert logits.tolist() == [[1.5, 2.5], [1, 2.5]] and logits.dtype == np.float32
    assert same is logits
    x = np.ones((3, 1, 2), np.float32)
    np.testing.assert_array_equal(model().forward(x), model().layer_outputs(x[:, 0])[-1][1])
    assert model().predict(x).tolist() == [0, 0, 0] and model().predict(x).dtype == np.int64


def test_kept_as_read_only_float32_copies():
    weights = W0.astype(np.float64)
    kept = model((weights, W1))
    weights[:] = 9
    first = kept.layers[0].weights
    assert first.dtype == np.float32 and first[0, 0] == 1
    assert kept.sizes == (2, 3, 2) and kept.macs == 12 and kept.name == "mlp"
    with pytest.raises(ValueError):
        first[0, 0] = 2


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
        ({"weights": (W0, spoiled(W1, np.nan))}, r"layer 1: weights hold nan at \[2, 1\]"),
        ({"biases": (spoiled(B0, -np.inf), B1)}, r"layer 0: biases hold -inf at \[2\]"),
        ({"weights": (spoiled(W0, 1e39), W1)}, r"layer 0: weights hold inf at \[1, 2\]"),
        ({"weights": (W0.astype(int), W1)}, r"weights are int64 \[2, 3\], not float with 2"),
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


@pytest.mark.parametrize("saved", [model(), FULL])
def test_save_and_load(tmp_path, saved):
    path = tmp_path / "m.model"
    saved.save(path)
    assert same(FloatNetwork.load(path), saved)
    assert [p.name for p in tmp_path.iterdir()] == ["m.model"]


def test_files_of_older_versions(tmp_path):
    """Weights, biases and names of activations, and nothing else."""
    old = {"weights_0": W0, "biases_0": B0, "weights_1": W1, "biases_1": B1}
    np.savez(tmp_path / "old.npz", activations=np.array(["relu", "none"]), **old)
    assert same(FloatNetwork.load(tmp_path / "old.npz"), model())


def test_every_function_survives_as_text():
    gelu, x = function("gelu"), function("affine", 0.1, -2.0)
    for f in (clip(0), clip(), clip(0, 6), gelu, function("multiply", args=(gelu, x)), gelu.of(x)):
        assert from_text(to_text(f)) == f
    for bad in ("tanh", "", "[", "[[1]]", '["tanh"]', '["tanh",[1.0],[["x",[],[]]]]', "NaN",
                '["elu",["1"],[["x",[],[]]]]', '["x",[],[1]]', "[" * 9999):  # fmt: skip
        with pytest.raises(CelosiaError, match="is unknown; use none or relu"):
            from_text(bad)


def test_every_cut_is_noticed(tmp_path):
    raw = model().to_bytes()
    for length in range(0, len(raw), 7):
        (tmp_path / "m").write_bytes(raw[:length])
        with pytest.raises(CelosiaError, match="m: not an .npz file, or cut short or damaged"):
            FloatNetwork.load(tmp_path / "m")


def test_every_damaged_byte_is_noticed_or_harmless(tmp_path):
    raw = model().to_bytes()
    for at in range(len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 0x41
        (tmp_path / "m").write_bytes(damaged)
        try:
            assert same(FloatNetwork.load(tmp_path / "m"), model())  # a time stamp, say
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


def described(**changes):
    """The file of `model` with another description."""
    arrays = dict(np.load(io.BytesIO(model().to_bytes())))
    about = json.loads(arrays["about"].tobytes()) | changes
    return npz(**arrays | {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)})


GOOD = {"weights_0": W0, "biases_0": B0, "activations": np.array(["none"])}


@pytest.mark.parametrize(
    "raw, words",
    [
        (
            npz(**GOOD | {"weights_0": spoiled(W0, np.nan)}),
            r"m, layer 0: weights hold nan at \[1, 2\]",
        ),
        (npz(**GOOD | {"biases_0": B1}), "m, layer 0: weights have 3 outputs but biases 2"),
        (npz(**GOOD | {"activations": np.array(["gelu"])}), "'gelu' is unknown"),
        (npz(**GOOD | {"activations": np.array([1])}), "no list of activations"),
        (npz(**GOOD | {"activations": np.array("none")}), "no list of activations"),
        (npz(weights_0=W0, biases_0=B0), "no list of activations"),
        (npz(weights_0=W0, activations=np.array(["none"])), "'biases_0' is missing"),
        (npz(**GOOD, weights_1=W1), "'weights_1' is unexpected in a model of 1 layers"),
        (npz(activations=np.array([], "U4")), "0 weights"),
        (npz(**GOOD | {"activations": np.full(4, 1 << 30, "u4").view("U4")}), "are not ASCII"),
        (described(name=1), "its description is damaged: ValueError"),
        (described(origins=[]), "its description is damaged"),
        (described(final="relu"), "its description is damaged"),
        (described(input_shape=[2.0]), "its description is damaged"),
        (described(input_shape=[3]), r"input shape \[3\] does not hold 2 values"),
        (described(passed=[["x"]]), "its description is damaged"),
        (npz(**GOOD | {"weights_0": np.array([[object()]])}), "not an .npz file"),
        (npy(W0), "not an .npz file"),
        (pickle.dumps([1]), "not an .npz file"),
        (b"", "not an .npz file"),
    ],
)
def test_bad_file(tmp_path, raw, words):
    (tmp_path / "m").write_bytes(raw)
    with pytest.raises(CelosiaError, match=words) as caught:
        FloatNetwork.load(tmp_path / "m")
    assert str(tmp_path / "m") in caught.value.where and caught.value.todo


def test_missing_file(tmp_path):
    with pytest.raises(CelosiaError, match="cannot read: No such file"):
        FloatNetwork.load(tmp_path / "m")
    with pytest.raises(CelosiaError, match="cannot read: Is a directory"):
        FloatNetwork.load(tmp_path)
