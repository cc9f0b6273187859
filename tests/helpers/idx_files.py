"""Small data in MNIST's format."""

import gzip
from pathlib import Path

import numpy as np

__all__ = ["idx", "write_folder"]


def idx(array: np.ndarray) -> bytes:
    """A uint8 array as an IDX file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_folder(folder: Path, train: int, test: int, seed: int = 0, noise: int = 60) -> Path:
    """The four files, gzipped: every class has its own two bright rows in some noise."""
    rng = np.random.default_rng(seed)
    for half, count in (("train", train), ("t10k", test)):
        labels = rng.integers(0, 10, count).astype(np.uint8)
        images = rng.integers(0, noise, (count, 28, 28)).astype(np.uint8)
        images[:, :, :6] = 0
        for at in (4, 5):
            images[np.arange(count), 2 * labels + at] = 255
        for name, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            (folder / f"{half}-{name}.gz").write_bytes(gzip.compress(idx(array), 1))
    return folder
