"""Train the demo's network with scikit-learn, once: the result is kept in the cache."""

import hashlib
import importlib.metadata
import json
import warnings

import numpy as np

from celosia.network.float_network import FloatNetwork
from celosia.support.cache import CACHE_TODO, cache_dir
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, require_writable
from celosia.support.progress import Progress, silent

from . import Dataset, scaled
from .dataset import CLASSES

__all__ = ["train_mlp"]

_RECIPE = 1  # count up whenever a change here changes the weights that come out
_RATE = 1e-3


def train_mlp(
    dataset: Dataset,
    hidden: tuple[int, ...] = (128, 64),
    epochs: int = 10,
    batch: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
) -> FloatNetwork:
    """Train a perceptron with ReLU layers on `dataset`'s training half, scaled to 0..1.

    Adam, learning rate 1e-3, cross-entropy of a softmax that is left out of the result. The same
    arguments give the same weights on the same machine; a second call reads them from the cache.
    A cached file that is damaged is trained again.

    Parameters
    ----------
    dataset : digits; the test half is not looked at.
    hidden : neurons of each hidden layer; ``()`` for none.
    epochs : passes over the training half, at least 1.
    batch : images per step, at least 1.
    seed : 0..2**32-1, for the first weights and the order of the images.
    progress : called after every epoch, not when the cache has the result.

    Returns
    -------
    FloatNetwork "mlp" of layers with a ReLU, the last without.

    Raises
    ------
    CelosiaError : an argument out of range, scikit-learn missing, a cache that cannot be written,
        or weights that grew beyond all bounds.
    KeyboardInterrupt : the user stopped it; nothing is kept.
    """
    hidden = tuple(hidden)
    for name, least, values in (
        ("hidden", 1, hidden),
        ("epochs", 1, [epochs]),
        ("batch", 1, [batch]),
        ("seed", 0, [seed]),
    ):
        for value in values:
            _check_integer(name, value, least)
    path = cache_dir() / "models" / f"{_key(dataset, hidden, epochs, batch, seed)}.npz"
    try:
        return FloatNetwork.load(path)
    except CelosiaError:
        require_writable(path.parent, todo=CACHE_TODO)
    model = _train(dataset, hidden, epochs, batch, seed, progress or silent)
    atomic_write(path, model.to_bytes(), todo=CACHE_TODO)
    return model


def _check_integer(name: str, value: int, least: int) -> None:
    if not isinstance(value, int | np.integer) or not least <= value < 1 << 32:
        raise CelosiaError(
            f"{value!r} is not an integer in {least}..2**32-1", where=name, todo="choose another"
        )


def _key(dataset: Dataset, hidden: tuple[int, ...], epochs: int, batch: int, seed: int) -> str:
    """Name of the cached result: whatever can change the weights changes it."""
    try:
        version = importlib.metadata.version("scikit-learn")
    except importlib.metadata.PackageNotFoundError as error:
        raise _no_sklearn() from error
    recipe = [_RECIPE, _RATE, version, *map(int, (epochs, batch, seed)), list(map(int, hidden))]
    digest = hashlib.sha256(json.dumps([recipe, dataset.x_train.shape]).encode())
    digest.update(dataset.x_train.tobytes())
    digest.update(dataset.y_train.tobytes())
    return f"mlp-{digest.hexdigest()[:24]}"


def _train(
    dataset: Dataset,
    hidden: tuple[int, ...],
    epochs: int,
    batch: int,
    seed: int,
    progress: Progress,
) -> FloatNetwork:
    try:
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise _no_sklearn() from error
    x, y = scaled(dataset.x_train), dataset.y_train
    net = MLPClassifier(
        hidden,
        batch_size=min(batch, len(x)),
        learning_rate_init=_RATE,
        # A generator, not a number: a number would start again and repeat the order every epoch.
        random_state=np.random.RandomState(seed),
    )
    # One thread: layers this small are no faster with more, and sums then have one order.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in range(1, epochs + 1):
            try:
                net.partial_fit(x, y, classes=np.arange(CLASSES))
            except ValueError as error:
                raise CelosiaError(
                    f"training failed: {error}", where=f"epoch {epoch}", todo="try another seed"
                ) from error
            # scikit-learn turns Ctrl-C into a warning and stops early; the count of images tells.
            if net.t_ != epoch * len(x):
                raise KeyboardInterrupt
            progress(f"training, loss {net.loss_:.4f}", epoch, epochs)
    activations = ["relu"] * len(hidden) + ["none"]
    return FloatNetwork.from_arrays(net.coefs_, net.intercepts_, activations)


def _no_sklearn() -> CelosiaError:
    return CelosiaError(
        "training needs scikit-learn, which is not installed", todo="pip install 'celosia[train]'"
    )
