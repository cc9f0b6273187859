"""Functions and layers of Keras in a functional model against Keras itself."""

import numpy as np
import pytest
from tests.helpers.judges import needs

from celosia.importer import load_model

X = np.random.default_rng(7).normal(0, 1, (40, 12)).astype(np.float32)


def dense(keras, x):
    return keras.layers.Dense(6)(x)


def adapted(keras):
    layer = keras.layers.Normalization()
    layer.adapt(X + 1)
    return layer


#: Name -> (keras, x of [12]) -> y.
MODELS = {
    "clip": lambda keras, x: keras.ops.clip(dense(keras, x), -1.0, 2.0),
    "gelu": lambda keras, x: keras.ops.gelu(dense(keras, x)),
    "exact gelu": lambda keras, x: keras.ops.gelu(dense(keras, x), approximate=False),
    "relu": lambda keras, x: keras.ops.relu(dense(keras, x)),
    "relu6": lambda keras, x: keras.ops.relu6(dense(keras, x)),
    "sigmoid": lambda keras, x: keras.ops.sigmoid(dense(keras, x)),
    "tanh": lambda keras, x: keras.ops.tanh(dense(keras, x)),
    "elu": lambda keras, x: keras.ops.elu(dense(keras, x), alpha=0.5),
    "leaky relu": lambda keras, x: keras.ops.leaky_relu(dense(keras, x), 0.1),
    "softmax": lambda keras, x: keras.ops.softmax(dense(keras, x)),
    "mean": lambda keras, x: keras.ops.mean(keras.layers.Reshape((3, 4))(x), axis=1),
    "sum": lambda keras, x: keras.ops.sum(keras.layers.Reshape((3, 4))(x), axis=[1]),
    "item": lambda keras, x: dense(keras, x)[:, 1:5],
    "one item": lambda keras, x: dense(keras, keras.layers.Reshape((3, 4))(x)[:, 1]),
    "sum with constants": lambda keras, x: dense(keras, x) * 2.0 + 1.0,
    "less a constant": lambda keras, x: (dense(keras, x) - 1.0) / 4.0,
    "negative": lambda keras, x: -dense(keras, x),
    "subtract": lambda keras, x: keras.layers.Subtract()([dense(keras, x), dense(keras, x)]),
    "average": lambda keras, x: keras.layers.Average()([dense(keras, x), dense(keras, x)]),
    "add": lambda keras, x: keras.layers.Add()([dense(keras, x), dense(keras, x)]),
    "concatenate": lambda keras, x: keras.layers.Concatenate()([dense(keras, x), dense(keras, x)]),
    "reshape": lambda keras, x: keras.ops.reshape(dense(keras, x), (-1, 2, 3)),
    "normalization": lambda keras, x: dense(
        keras, keras.layers.Normalization(mean=[0.5] * 12, variance=[4.0] * 12)(x)
    ),
    "inverted normalization": lambda keras, x: dense(
        keras, keras.layers.Normalization(mean=0.5, variance=4.0, invert=True)(x)
    ),
    "leaky layer": lambda keras, x: keras.layers.LeakyReLU(0.2)(dense(keras, x)),
    "elu layer": lambda keras, x: keras.layers.ELU(0.7)(dense(keras, x)),
    "prelu layer": lambda keras, x: keras.layers.PReLU()(dense(keras, x)),
    "adapted normalization": lambda keras, x: dense(keras, adapted(keras)(x)),
    "relu with a threshold": lambda keras, x: keras.layers.ReLU(threshold=0.5)(dense(keras, x)),
    "relu with a slope": lambda keras, x: keras.layers.ReLU(negative_slope=0.1)(dense(keras, x)),
    "relu with all but a threshold": lambda keras, x: keras.layers.ReLU(
        max_value=1.0, negative_slope=0.1
    )(dense(keras, x)),
    "a layer as activation": lambda keras, x: keras.layers.Dense(
        6, activation=keras.layers.LeakyReLU(0.3)
    )(x),
    "no activation": lambda keras, x: keras.layers.Activation(None)(dense(keras, x)),
    "an array": lambda keras, x: dense(keras, x) + np.linspace(-1, 1, 6).astype(np.float32),
    "squeeze of all": lambda keras, x: keras.ops.squeeze(keras.ops.expand_dims(dense(keras, x), 2)),
    "permute": lambda keras, x: dense(
        keras,
        keras.layers.Flatten()(keras.layers.Permute((2, 1))(keras.layers.Reshape((3, 4))(x))),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_it_is_that_of_keras(name, tmp_path):
    needs("keras")
    import keras

    keras.utils.set_random_seed(3)
    entry = keras.Input((12,))
    model = keras.Model(entry, MODELS[name](keras, entry))
    model.save(tmp_path / "model.keras")
    found = load_model(tmp_path / "model.keras").forward(X)
    assert np.abs(found - np.asarray(model(X)).reshape(found.shape)).max() < 1e-5
