"""The examples by name. The same name gives the same files on the same machine."""

from collections.abc import Callable

import numpy as np

from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from .example import Example

__all__ = ["RECIPES", "example"]

_SEED = 1
#: Inputs to calibrate with and to run, of the examples without a data set.
_CALIBRATION, _INPUTS = 64, 16


def _mnist_mlp(progress: Progress) -> Example:
    from celosia.demo import load_mnist, scaled
    from celosia.demo.train import train_mlp

    data = load_mnist(None, progress)
    return Example(
        model=train_mlp(data, progress=progress),
        calibration=scaled(data.x_train[:1000]),
        inputs=scaled(data.x_test),
        labels=data.y_test.astype(np.int64),
        about=f"{'MNIST' if data.name == 'mnist' else 'not MNIST'}, from {data.source}",
    )


def _digits(progress: Progress) -> Example:
    from .digits import digits_mlp

    return digits_mlp(progress)


def _digits_cnn(progress: Progress) -> Example:
    from .digits import digits_cnn

    return digits_cnn(progress)


def _anomaly(progress: Progress) -> Example:
    from .untrained import autoencoder

    return autoencoder(_SEED, _CALIBRATION, _INPUTS)


def _kws(progress: Progress) -> Example:
    from .untrained import keyword_spotting

    return keyword_spotting(_SEED, _CALIBRATION, _INPUTS)


#: Name -> what it is, and the function that makes it.
RECIPES: dict[str, tuple[str, Callable[[Progress], Example]]] = {
    "mnist-mlp": (
        "perceptron 784-128-64-10 for MNIST, else for enlarged digits",
        _mnist_mlp,
    ),
    "digits": ("perceptron 64-32-10, trained on scikit-learn's 8x8 digits in seconds", _digits),
    "digits-cnn": ("convolution, pooling and a classifier for the 8x8 digits", _digits_cnn),
    "anomaly": ("autoencoder 640-128-8-128-640 of MLPerf Tiny's shape, not trained", _anomaly),
    "kws": ("keyword spotting, depthwise, of MLPerf Tiny's shape, not trained", _kws),
}


def example(name: str, progress: Progress = silent) -> Example:
    """Make the example of that name.

    Raises
    ------
    CelosiaError : there is none, or a package that it needs is not installed.
    """
    if name not in RECIPES:
        raise CelosiaError(
            f"unknown example {name!r}", where="example", todo=f"known: {', '.join(RECIPES)}"
        )
    progress(f"making {name}", 0, 0)
    return RECIPES[name][1](progress)
