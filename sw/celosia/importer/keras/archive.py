"""A ``.keras`` file as configuration and variables, without Keras.

The file is a zip archive of ``config.json`` and ``model.weights.h5``. The variables of a layer are
the datasets ``<layer>/vars/0``, ``1``, ... Here ``<layer>`` is the layer's class in snake case,
numbered within its model, not the layer's own name.
"""

import io
import re
from typing import Any

import numpy as np

from celosia.importer.guard import Archive, Budget, damage_as_error, parse_json, require, text
from celosia.support.errors import CelosiaError, Unsupported, located

__all__ = ["KerasFile", "paths"]

_TODO = "save the model again"
_WEIGHTS = "model.weights.h5"


class KerasFile:
    """A context manager that closes the file of variables on exit.

    Parameters
    ----------
    data : bytes of the ``.keras`` file.

    Attributes
    ----------
    config : content of config.json.

    Raises
    ------
    CelosiaError : the file is damaged, or h5py is not installed.
    """

    def __init__(self, data: bytes):
        archive = Archive(data)
        self.config = parse_json(archive.read("config.json"), "config.json")
        h5py = require("h5py", "h5py", "keras")
        weights = archive.read(_WEIGHTS)
        self._dataset = h5py.Dataset
        with damage_as_error(f"{_WEIGHTS} is damaged", _TODO):
            self._h5 = h5py.File(io.BytesIO(weights), "r")
        self._budget = Budget(len(weights), "its arrays are larger than the file", _TODO)

    def __enter__(self) -> "KerasFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._h5.close()

    def variables(self, path: str, count: int) -> list[np.ndarray]:
        """The first ``count`` variables of the layer stored at ``path``, float32; fewer, if it
        has fewer.

        Raises
        ------
        CelosiaError : a variable is damaged, or larger than the file.
        Unsupported : a variable is not float, or stored in a form that Keras does not write.
        """
        found = []
        with damage_as_error(f"{text(path)} is damaged", _TODO):
            group = self._h5.get(f"{path}/vars")
            if group is None:
                return []
            for index in range(min(len(group), count)):
                found.append(self._read(group, str(index), f"{path}/vars/{index}"))
        return found

    def _read(self, group: Any, name: str, path: str) -> np.ndarray:
        import h5py

        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise Unsupported("a link to another place", where=path, todo=_TODO)
        dataset = group[name]
        if not isinstance(dataset, self._dataset):
            raise CelosiaError("not an array", where=path, todo=_TODO)
        # Only contiguous data within this file: then the stored size bounds what is read.
        if dataset.chunks or dataset.is_virtual or dataset.external:
            raise Unsupported("not stored in one piece", where=path, todo=_TODO)
        if dataset.dtype.kind != "f" or dataset.ndim > 4:
            raise Unsupported(
                f"{text(dataset.dtype)} with {dataset.ndim} axes", where=path, todo="use float32"
            )
        size = dataset.dtype.itemsize * dataset.size
        if dataset.id.get_storage_size() < size:
            raise CelosiaError(f"fewer bytes than shape {list(dataset.shape)} needs", where=path)
        with located(path):
            self._budget.spend(size)
        with np.errstate(over="ignore"):
            return np.asarray(dataset[()]).astype(np.float32)


def paths(classes: list[str], base: str) -> list[str]:
    """The paths below ``base`` at which layers of these classes have their variables.

    Layers of one class are numbered in the order of their model: ``layers/dense``,
    ``layers/dense_1``, ...
    """
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
