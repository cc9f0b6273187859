"""Digits for a machine without a network: scikit-learn's bundled 8x8 ones in MNIST's format."""

import numpy as np

from celosia.support.errors import CelosiaError

from .dataset import CLASSES, SIDE, Dataset

__all__ = ["draw", "load_digits"]

_BOX = 20  # MNIST fits every digit into a 20x20 box in the middle of its frame
_INK = 16  # the bundled digits' full ink; their background is 0
_TEST_SHARE = 0.2
_SEED = 0


def load_digits(why: str = "") -> Dataset:
    """1,797 digits: a fixed fifth of every class to test on, the rest to train on.

    Parameters
    ----------
    why : the reason why they replace MNIST, for `Dataset.source`; "" for none.

    Raises
    ------
    CelosiaError : scikit-learn, which bundles the digits, is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise CelosiaError(
            "the bundled digits need scikit-learn, which is not installed",
            where=why,
            todo="pip install 'celosia[train]'",
        ) from error
    bunch = datasets.load_digits()
    images, labels = draw(bunch.images), bunch.target.astype(np.uint8)
    test = _stratified(labels)
    source = "scikit-learn's 8x8 digits, enlarged"
    return Dataset(
        x_train=images[~test],
        y_train=labels[~test],
        x_test=images[test],
        y_test=labels[test],
        name="digits",
        source=f"{source} ({why})" if why else source,
    )


def draw(small: np.ndarray) -> np.ndarray:
    """Enlarge square images into MNIST's frame: a bilinear 20x20 box centred on background 0.

    Parameters
    ----------
    small : [n, k, k] of whole numbers, background 0, full ink 16.

    Returns
    -------
    uint8 [n, 28, 28], background 0, full ink 255. The background around a stroke stays exactly 0.
    All arithmetic is on integers, so every machine gives the same images.
    """
    weights, unit = _bilinear(small.shape[1], _BOX)
    box = weights @ small.astype(np.int64) @ weights.T * 255
    full = _INK * unit**2
    frame = np.zeros((len(small), SIDE, SIDE), np.uint8)
    edge = (SIDE - _BOX) // 2
    frame[:, edge : edge + _BOX, edge : edge + _BOX] = (box + full // 2) // full
    return frame


def _bilinear(old: int, new: int) -> tuple[np.ndarray, int]:
    """Integer weights [new, old] of old pixels in new ones, and the sum of each row.

    A new pixel is a mean of the two old ones whose centres are nearest, weighted by distances in
    units of ``1 / (2 * new)`` of an old pixel. Beyond the outermost centres it equals the last one.
    """
    unit = 2 * new
    centre = ((2 * np.arange(new) + 1) * old - new).clip(0, (old - 1) * unit)
    return (unit - np.abs(centre[:, None] - unit * np.arange(old))).clip(0), unit


def _stratified(labels: np.ndarray) -> np.ndarray:
    """Bool [n], True for the images to test on: the same share of every class, fixed by a seed."""
    rng = np.random.default_rng(_SEED)
    test = np.zeros(len(labels), bool)
    for digit in range(CLASSES):
        members = rng.permutation(np.flatnonzero(labels == digit))
        test[members[: round(len(members) * _TEST_SHARE)]] = True
    return test
