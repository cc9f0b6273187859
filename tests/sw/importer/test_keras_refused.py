"""What a Keras model may ask for that no engine computes is refused, by its true reason."""

import json
import zipfile

import pytest
from tests.helpers.judges import needs

from celosia.importer import load_model
from celosia.support.errors import CelosiaError


def maps(keras, x):
    return keras.layers.Reshape((2, 3, 2))(x)


def lines(keras, x):
    return keras.layers.Reshape((3, 4))(x)


#: What the error says -> (keras, x of [12]) -> y.
MODELS = {
    "LSTM.* this layer is not supported": lambda k, x: k.layers.LSTM(5)(lines(k, x)),
    "Cumsum.* this function is not supported": lambda k, x: k.ops.cumsum(x, axis=1),
    "over the batch, too": lambda k, x: k.ops.mean(x, keepdims=True),
    "not all pixels of a map": lambda k, x: k.ops.mean(maps(k, x), axis=1),
    "a call with the argument 'None'": lambda k, x: x[:, None],
    "softmax, which must be last": lambda k, x: k.layers.Dense(3)(k.layers.Softmax()(x)),
    r"over axis 1 of \[3, 4\]": lambda k, x: k.layers.Softmax(axis=1)(lines(k, x)),
    "two branches": lambda k, x: k.layers.Multiply()([x, k.layers.Dense(12)(x)]),
    "threshold = 1 is not supported with others": lambda k, x: k.layers.ReLU(
        max_value=3.0, threshold=1.0
    )(x),
    "windows of unequal sizes": lambda k, x: k.layers.AdaptiveAveragePooling1D(2)(lines(k, x)),
    "moves the batch axis": lambda k, x: k.ops.transpose(x),
    "weights are quantized already": lambda k, x: quantized(k, k.layers.Dense(3), x),
    "a call with the argument 'True'": lambda k, x: k.ops.where(x > 0, x, True),
    "Matmul.* this function is not supported": lambda k, x: k.ops.matmul(x, x),
}


def quantized(keras, layer, x):
    layer.build(x.shape)
    layer.quantize("int8")
    return layer(x)


@pytest.mark.parametrize("reason", MODELS)
def test_the_reason_is_said(reason, tmp_path):
    needs("keras")
    import keras

    entry = keras.Input((12,))
    keras.Model(entry, MODELS[reason](keras, entry)).save(tmp_path / "model.keras")
    with pytest.raises(CelosiaError, match=reason):
        load_model(tmp_path / "model.keras")


#: What the error says -> (layer that is made of keras, what is put into its configuration).
CHANGED = {
    "target shape .* is not possible": (lambda k: k.layers.Reshape((12,)), {"target_shape": "x"}),
    "dims .* is not possible": (lambda k: k.layers.Permute((1,)), {"dims": 3}),
    "alpha is 'x', not a number": (lambda k: k.layers.ELU(), {"alpha": "x"}),
    "activation 'mine' is not supported": (
        lambda k: k.layers.Dense(3, "relu"),
        {"activation": "mine"},
    ),
    "activation 'mine>own' is not supported": (
        lambda k: k.layers.Dense(3, "relu"),
        {"activation": {"module": "mine", "class_name": "function", "config": "own",
                        "registered_name": "mine>own"}},
    ),
    "activation 'Nothing' is not supported": (
        lambda k: k.layers.Dense(3, "relu"),
        {"activation": {"module": "keras.layers", "class_name": "Nothing", "config": {}}},
    ),
    "activation PReLU has variables": (
        lambda k: k.layers.Dense(3, "relu"),
        {"activation": {"module": "keras.layers", "class_name": "PReLU", "config": {}}},
    ),
    "dtype = int8 is not supported": (lambda k: k.layers.Dense(3), {"dtype": "int8"}),
    "1 variables, not 2": (lambda k: k.layers.Dense(3, use_bias=False), {"use_bias": True}),
    "argument axis = .* is not supported": (
        lambda k: k.layers.BatchNormalization(),
        {"axis": [1, 2]},
    ),
    "a variance is negative": (
        lambda k: k.layers.Normalization(mean=0.0, variance=1.0),
        {"variance": -1.0},
    ),
    "argument colour = red is not supported": (lambda k: k.layers.Dense(3), {"colour": "red"}),
}  # fmt: skip
#: The same of layers on a map [2, 3, 2].
CHANGED_MAPS = {
    "argument padding = some is not supported": {"padding": "some"},
    "strides is .* not 2 integers": {"strides": [1, 1, 1]},
    "argument lora_rank is not supported": {"lora_rank": 2},
    "data_format = sideways is not supported": {"data_format": "sideways"},
    "in 5 groups": {"groups": 5},
    "stride 0 is not possible": {"strides": 0, "padding": "same"},
}


def change(path, number, changes):
    """Put ``changes`` into the configuration of a layer of a file."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][number]["config"] |= changes
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("reason", CHANGED)
def test_of_what_is_in_the_file(reason, tmp_path):
    needs("keras")
    import keras

    make, changes = CHANGED[reason]
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((12,)), make(keras)]).save(path)
    change(path, 1, changes)
    with pytest.raises(CelosiaError, match=reason):
        load_model(path)


@pytest.mark.parametrize("reason", CHANGED_MAPS)
def test_of_what_is_in_the_file_of_a_map(reason, tmp_path):
    needs("keras")
    import keras

    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((2, 3, 2)), keras.layers.Conv2D(3, 1)]).save(path)
    change(path, 1, CHANGED_MAPS[reason])
    with pytest.raises(CelosiaError, match=reason):
        load_model(path)


@pytest.mark.parametrize(
    "padding, reason", [("x", "padding x is not possible"), ([1], "is not possible")]
)
def test_of_a_border(padding, reason, tmp_path):
    needs("keras")
    import keras

    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((2, 3, 2)), keras.layers.ZeroPadding2D(1)]).save(path)
    change(path, 1, {"padding": padding})
    with pytest.raises(CelosiaError, match=reason):
        load_model(path)
