"""MNIST from a folder, the cache or a mirror, else the bundled digits."""

import os
from pathlib import Path

from celosia.support.cache import CACHE_TODO, cache_dir
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write
from celosia.support.progress import Progress, silent

from .dataset import Dataset, check_labelled
from .digits import load_digits
from .fetch import Unreachable, fetch, md5
from .idx import parse_idx, unpack

__all__ = ["MD5", "MIRRORS", "load_mnist"]

#: Tried in order; ``$CELOSIA_MNIST_MIRRORS``, base URLs separated by spaces, replaces them.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

#: MD5 of each file after gunzipping. Small files are first, so that a bad mirror or a cache that
#: cannot be written is noticed before the long download.
MD5 = {
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
}


def load_mnist(folder: Path | str | None = None, progress: Progress | None = None) -> Dataset:
    """Load MNIST, or the bundled digits when MNIST is not here and cannot be downloaded.

    The files are read from ``folder``, else from ``$CELOSIA_DATA``; a file that is missing there is
    an error. With neither, they are read from the cache; those missing or damaged there are
    downloaded, checked and cached. Only when no mirror works are scikit-learn's digits returned,
    with ``name == "digits"`` and the reason in ``source``.

    Parameters
    ----------
    folder : holds the four IDX files, each gzipped (``.gz``) or plain. It may hold other data in
        MNIST's format, such as Fashion-MNIST; `Dataset.name` is then the folder's name.
    progress : called during downloads.

    Returns
    -------
    The dataset; MNIST has 60,000 images to train on and 10,000 to test on.

    Raises
    ------
    CelosiaError : a file in a given folder is missing or bad, the cache cannot be written, a mirror
        is not an http(s) URL, or the bundled digits are needed and not installed.
    """
    if named := folder or os.environ.get("CELOSIA_DATA"):
        named = Path(os.path.expanduser(named))
        return _dataset({name: _from_folder(named, name) for name in MD5}, named)
    cache = cache_dir() / "mnist"
    mirrors = _mirrors()
    try:
        contents = {name: _cached(cache, name, mirrors, progress or silent) for name in MD5}
    except Unreachable as error:
        return load_digits(f"MNIST could not be downloaded: {error}")
    return _dataset(contents, cache)


def _mirrors() -> list[str]:
    mirrors = os.environ.get("CELOSIA_MNIST_MIRRORS", "").split() or list(MIRRORS)
    for mirror in mirrors:
        if not mirror.lower().startswith(("http://", "https://")):
            raise CelosiaError(
                f"{mirror!r} is not an http or https URL",
                where="CELOSIA_MNIST_MIRRORS",
                todo="give base URLs separated by spaces",
            )
    return mirrors


def _from_folder(folder: Path, name: str) -> bytes:
    for path in (folder / f"{name}.gz", folder / name):
        try:
            return unpack(path.read_bytes(), where=str(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CelosiaError(
                f"cannot read: {error.strerror or error}",
                where=str(path),
                todo="check that it is a file you may read",
            ) from error
    raise CelosiaError(
        f"no {name}.gz and no {name}" if folder.is_dir() else "no such folder",
        where=str(folder),
        todo="name a folder with MNIST's four files, or unset CELOSIA_DATA to download them",
    )


def _cached(cache: Path, name: str, mirrors: list[str], progress: Progress) -> bytes:
    path = cache / f"{name}.gz"
    try:
        data = unpack(path.read_bytes(), where=str(path))
        if md5(data) == MD5[name]:
            return data
    except (OSError, CelosiaError):
        pass  # missing or damaged: it is downloaded again
    raw = fetch(f"{name}.gz", MD5[name], mirrors, progress)
    atomic_write(path, raw, todo=CACHE_TODO)
    return unpack(raw, where=str(path))


def _dataset(contents: dict[str, bytes], folder: Path) -> Dataset:
    arrays = {}
    for name, data in contents.items():
        ndim = 3 if "images" in name else 1
        arrays[name] = parse_idx(data, ndim, where=str(folder / name))
    for half in ("train", "t10k"):
        images, labels = arrays[f"{half}-images-idx3-ubyte"], arrays[f"{half}-labels-idx1-ubyte"]
        check_labelled(images, labels, where=str(folder / f"{half}-*"))
    genuine = all(md5(data) == MD5[name] for name, data in contents.items())
    return Dataset(
        x_train=arrays["train-images-idx3-ubyte"],
        y_train=arrays["train-labels-idx1-ubyte"],
        x_test=arrays["t10k-images-idx3-ubyte"],
        y_test=arrays["t10k-labels-idx1-ubyte"],
        name="mnist" if genuine else folder.resolve().name,
        source=str(folder),
    )
