"""The common form of all digits: 28x28 grey images with labels 0..9, in two halves."""

from dataclasses import dataclass

import numpy as np

from celosia.support.errors import CelosiaError

__all__ = ["CLASSES", "SIDE", "Dataset", "check_labelled", "scaled"]

CLASSES = 10  # digits 0..9
SIDE = 28  # rows and columns of an image


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels to train on, and others to test on.

    Parameters
    ----------
    x_train, x_test : uint8 [n, 28, 28], background 0, full ink 255.
    y_train, y_test : uint8 [n], 0..9.
    name : "mnist", "digits", or the name of the user's folder when it holds other data.
    source : one line for people: where the data are from and, for a fallback, why.

    Raises
    ------
    CelosiaError : as `check_labelled`, for either half.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    name: str
    source: str

    def __post_init__(self) -> None:
        check_labelled(self.x_train, self.y_train, where=f"{self.name}, training half")
        check_labelled(self.x_test, self.y_test, where=f"{self.name}, test half")


def check_labelled(images: np.ndarray, labels: np.ndarray, *, where: str) -> None:
    """Check that `images` is uint8 [n, 28, 28] and `labels` uint8 [n] in 0..9, with n >= 1.

    Raises
    ------
    CelosiaError : they are not; ``where`` names the files or the half of a data set.
    """
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise CelosiaError(
            f"images are {images.dtype} {list(images.shape)}, not uint8 [n, {SIDE}, {SIDE}]",
            where=where,
            todo="use MNIST or data in its format",
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise CelosiaError(
            f"labels are {labels.dtype} {list(labels.shape)}, not uint8 [n]",
            where=where,
            todo="use MNIST or data in its format",
        )
    if len(images) != len(labels):
        raise CelosiaError(
            f"{len(images)} images but {len(labels)} labels",
            where=where,
            todo="take both files from the same data set",
        )
    if not len(images):
        raise CelosiaError("no images", where=where, todo="use data with at least one")
    if labels.max() >= CLASSES:
        at = int(np.argmax(labels >= CLASSES))
        raise CelosiaError(
            f"label {at} is {labels[at]}, outside 0..{CLASSES - 1}",
            where=where,
            todo="use data with ten classes",
        )


def scaled(images: np.ndarray) -> np.ndarray:
    """The network's input: uint8 [n, 28, 28] as float32 [n, 784], row by row, divided by 255."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
