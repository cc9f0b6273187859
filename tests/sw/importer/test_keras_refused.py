"""What a Keras model may ask for that no engine computes is refused, by its true reason."""

import numpy as np
import pytest
from tests.helpers.archives import changed, in_json
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
    "activation 'Activation' is not supported": (
        lambda k: k.layers.Dense(3, "relu"),
        {"activation": {"module": "keras.layers", "class_name": "Activation",
                        "config": {"activation": {"module": "keras.layers", "config": {},
                                                  "class_name": "ReLU"}}}},
    ),
    "argument axis = 7 is not supported": (
        lambda k: k.layers.Normalization(mean=[0.0] * 12, variance=[1.0] * 12),
        {"axis": 7},
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


def rewritten(path, edit):
    """Change the description of the model in a file."""
    path.write_bytes(changed(path.read_bytes(), in_json("config.json", edit)))


def change(path, number, changes):
    """Put ``changes`` into the configuration of a layer of a file."""
    rewritten(path, lambda config: config["config"]["layers"][number]["config"].update(changes))


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
    "padding, reason", [("x", "padding x is not possible"), ([1], r"padding \[1\] is not possible")]
)
def test_of_a_border(padding, reason, tmp_path):
    needs("keras")
    import keras

    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((2, 3, 2)), keras.layers.ZeroPadding2D(1)]).save(path)
    change(path, 1, {"padding": padding})
    with pytest.raises(CelosiaError, match=reason):
        load_model(path)


def doubled(config):
    """A functional model's layer that has two inputs."""
    layer = config["config"]["layers"][2]
    layer["inbound_nodes"][0]["args"] *= 2


def needs_what_comes_later(config):
    layers = config["config"]["layers"]
    layers[1], layers[2] = layers[2], layers[1]


def second_result(config):
    history = config["config"]["layers"][2]["inbound_nodes"][0]["args"][0]["config"]
    history["keras_history"][2] = 1


def old(config, **keywords):
    """Nodes as Keras 2 wrote them."""
    for layer in config["config"]["layers"][1:]:
        (node,) = layer["inbound_nodes"]
        layer["inbound_nodes"] = [[[*node["args"][0]["config"]["keras_history"], keywords]]]


def with_keyword(config):
    config["config"]["layers"][2]["inbound_nodes"][0]["kwargs"]["mask"] = 3


#: What the error says -> what is done to the description of a functional model of two layers.
FUNCTIONAL = {
    "it has 2 inputs, not 1": doubled,
    "which is not computed before it": needs_what_comes_later,
    "it takes result 1 of": second_result,
    "a call with mask = 3 is not supported": with_keyword,
    "a call with training = True is not supported": lambda config: old(config, training=True),
    "output layer 'nowhere' is missing": lambda config: config["config"].update(
        output_layers=[["nowhere", 0, 0]]
    ),
    r"the model has 2 outputs \(one, two\), not 1": lambda config: config["config"].update(
        output_layers=[["one", 0, 0], ["two", 0, 0]]
    ),
}


def functional(path):
    import keras

    entry = keras.Input((12,), name="entry")
    y = keras.layers.Dense(3, name="two")(keras.layers.Dense(5, "relu", name="one")(entry))
    keras.Model(entry, y).save(path)


@pytest.mark.parametrize("reason", FUNCTIONAL)
def test_of_functional_models(reason, tmp_path):
    needs("keras")
    functional(tmp_path / "model.keras")
    rewritten(tmp_path / "model.keras", FUNCTIONAL[reason])
    with pytest.raises(CelosiaError, match=reason):
        load_model(tmp_path / "model.keras")


def bare(config):
    """Without the layer of the input, whose shape the model has."""
    config["config"]["layers"].pop(0)
    config["config"]["build_input_shape"] = [None, 12]


@pytest.mark.parametrize("edit", [old, lambda config: old(config, training=None)])
def test_nodes_of_keras_2_mean_the_same(edit, tmp_path):
    needs("keras")
    path, x = tmp_path / "model.keras", np.linspace(-1, 1, 24).reshape(2, 12).astype(np.float32)
    functional(path)
    expected = load_model(path).forward(x)
    rewritten(path, edit)
    assert np.array_equal(load_model(path).forward(x), expected)


def test_a_sequential_model_may_lack_its_input_layer(tmp_path):
    needs("keras")
    import keras

    path, x = tmp_path / "model.keras", np.linspace(-1, 1, 24).reshape(2, 12).astype(np.float32)
    keras.Sequential([keras.Input((12,)), keras.layers.Dense(3)]).save(path)
    expected = load_model(path).forward(x)
    rewritten(path, bare)
    assert np.array_equal(load_model(path).forward(x), expected)
    rewritten(path, lambda config: config["config"].pop("build_input_shape"))
    with pytest.raises(CelosiaError, match="the model has no input shape"):
        load_model(path)


def test_models_in_models_in_models(tmp_path):
    needs("keras")
    import keras

    made = keras.Sequential([keras.Input((12,)), keras.layers.Dense(12)])
    for _ in range(9):
        made = keras.Sequential([keras.Input((12,)), made])
    made.save(tmp_path / "model.keras")
    with pytest.raises(CelosiaError, match="nested more than 8 deep"):
        load_model(tmp_path / "model.keras")
