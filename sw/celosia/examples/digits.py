"""Small models of scikit-learn's bundled 8x8 digits."""

import warnings

import numpy as np

from celosia.network.float_layers import FloatConvolution, FloatDense, FloatMaxPool
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import X, clip
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress

from .example import Example

__all__ = ["digits_cnn", "digits_mlp"]

_SEED = 1
_TEST = 360  # images to run, the last ones; the others are trained on
_INK = 16.0  # full ink of the bundled images; the model's inputs are 0..1
_CHANNELS = 16  # of the convolution


def digits_mlp(progress: Progress) -> Example:
    """A perceptron 64-32-10 with a ReLU, by scikit-learn's `MLPClassifier` with Adam."""
    x, y = _load()
    from sklearn.neural_network import MLPClassifier

    progress("training", 0, 0)
    made = MLPClassifier((32,), max_iter=60, random_state=_SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like to train for longer
        made.fit(x[:-_TEST], y[:-_TEST])
    layers = tuple(
        FloatDense(weights, bias, function=function)
        for weights, bias, function in zip(made.coefs_, made.intercepts_, (clip(0), X), strict=True)
    )
    return _example(FloatNetwork("digits", layers), x, y)


def digits_cnn(progress: Progress) -> Example:
    """A 3x3 convolution with random filters and a ReLU, a 2x2 maximum, and a trained classifier.

    Only the classifier is trained (scikit-learn's `LogisticRegression`): random filters suffice
    for these images, and training takes seconds without a framework for convolutions.
    """
    x, y = _load()
    from sklearn.linear_model import LogisticRegression

    x = x.reshape(-1, 8, 8, 1)
    rng = np.random.default_rng(_SEED)
    body = (
        FloatConvolution(
            rng.normal(0, 0.5, (_CHANNELS, 3, 3, 1)).astype(np.float32),
            np.zeros(_CHANNELS, np.float32),
            input_shape=(8, 8, 1), output_size=(8, 8), padding=(1, 1), function=clip(0),
        ),
        FloatMaxPool(
            input_shape=(8, 8, _CHANNELS), kernel=(2, 2), stride=(2, 2), output_size=(4, 4)
        ),
    )  # fmt: skip
    progress("training", 0, 0)
    features = FloatNetwork("features", body).forward(x).reshape(len(x), -1)
    made = LogisticRegression(max_iter=400)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.fit(features[:-_TEST], y[:-_TEST])
    last = FloatDense(made.coef_.T, made.intercept_, input_shape=(4, 4, _CHANNELS))
    return _example(FloatNetwork("digits_cnn", (*body, last)), x, y)


def _load() -> tuple[np.ndarray, np.ndarray]:
    """float32 [1797, 64] in 0..1, and int64 [1797]."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise CelosiaError(
            "this example needs scikit-learn, which bundles the digits",
            todo="pip install 'celosia[train]'",
        ) from error
    bunch = datasets.load_digits()
    return (bunch.data / _INK).astype(np.float32), bunch.target.astype(np.int64)


def _example(model: FloatNetwork, x: np.ndarray, y: np.ndarray) -> Example:
    return Example(
        model=model,
        calibration=x[:300],
        inputs=x[-_TEST:],
        labels=y[-_TEST:],
        about="scikit-learn's 8x8 digits, the last 360 to run",
    )
