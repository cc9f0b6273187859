"""A ``.keras`` file as configuration and variables, without Keras.

It is a zip file of ``config.json`` and ``model.weights.h5``. The variables of a layer are the
datasets ``<layer>/vars/0``, ``1``, ... whose layer is called after its class, in snake case and
numbered within its model, not after its name.
"""

import io
import re

import numpy as np

from celosia.importer.guard import Archive, named, parse_json, require, text
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["KerasFile", "paths"]

_TODO = "save the model again"
_WEIGHTS = "model.weights.h5"


class KerasFile:
    """Close it after use, or use it with ``with``.

    Parameters
    ----------
    data : the file.

    Attributes
    ----------
    config : content of config.json.

    Raises
    ------
    CelosiaError : it is damaged, or h5py is not installed.
    """

    def __init__(self, data: bytes):
        archive = Archive(data)
        self.config = parse_json(archive.read("config.json"), "config.json")
        h5py = require("h5py", "h5py", "keras")
        weights = archive.read(_WEIGHTS)
        self._dataset = h5py.Dataset
        with _damage(_WEIGHTS):
            self._h5 = h5py.File(io.BytesIO(weights), "r")
        self._left = len(weights)

    def __enter__(self) -> "KerasFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._h5.close()

    def variables(self, path: str, count: int) -> list[np.ndarray]:
        """At most the first ``count`` variables of the layer stored at ``path``; float32.

        Raises
        ------
        CelosiaError : damaged, not float, or of a form that Keras does not write.
        """
        found = []
        with _damage(text(path)):
            group = self._h5.get(f"{path}/vars")
            if group is None:
                return []
            for index in range(min(len(group), count)):
                found.append(self._read(group, str(index), f"{path}/vars/{index}"))
        return found

    def _read(self, group, name: str, path: str) -> np.ndarray:
        import h5py

        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise Unsupported("a link to elsewhere", where=path)
        dataset = group[name]
        if not isinstance(dataset, self._dataset):
            raise CelosiaError("not an array", where=path, todo=_TODO)
        # Contiguous data inside of this file: what is stored bounds what is read.
        if dataset.chunks or dataset.is_virtual or dataset.external:
            raise Unsupported("not stored in one piece", where=path, todo=_TODO)
        if dataset.dtype.kind != "f" or dataset.ndim > 4:
            raise Unsupported(
                f"{text(dataset.dtype)} with {dataset.ndim} axes", where=path, todo="use float32"
            )
        self._left -= dataset.dtype.itemsize * dataset.size
        if self._left < 0 or dataset.id.get_storage_size() < dataset.dtype.itemsize * dataset.size:
            raise CelosiaError(f"{list(dataset.shape)} does not fit the file", where=path)
        with np.errstate(over="ignore"):
            return np.asarray(dataset[()]).astype(np.float32)


def _damage(what: str):
    """h5py raises whatever the damage led it to."""
    return _Damage(named(f"{what} is damaged", _TODO))


class _Damage:
    """`named`, and OSError, which h5py raises for a damaged file, as well."""

    def __init__(self, inner):
        self._inner = inner

    def __enter__(self):
        return self._inner.__enter__()

    def __exit__(self, kind, error, traceback):
        if isinstance(error, OSError):
            raise CelosiaError(f"{_WEIGHTS} is damaged", todo=_TODO) from error
        return self._inner.__exit__(kind, error, traceback)


def paths(classes: list[str], base: str) -> list[str]:
    """Where in the weights file layers of these classes are, in the order of their model."""
    counts: dict[str, int] = {}
    found = []
    for name in map(_snake_case, classes):
        number = counts.get(name, 0)
        counts[name] = number + 1
        found.append(f"{base}layers/{name}_{number}" if number else f"{base}layers/{name}")
    return found


def _snake_case(name: str) -> str:
    """``BatchNormalization`` as batch_normalization, ``ReLU`` as re_lu."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
