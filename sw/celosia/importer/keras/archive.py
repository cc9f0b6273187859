"""A Keras file as configuration and variables, without Keras.

A ``.keras`` file is a zip archive of ``config.json`` and ``model.weights.h5``. The variables of a
layer are the datasets ``<layer>/vars/0``, ``1``, ... Here ``<layer>`` is the layer's class in snake
case, numbered within its model, not the layer's own name. An ``.h5`` file, as Keras 2 wrote it, has
the configuration as an attribute and the variables below ``model_weights/<name of the layer>``.
"""

import io
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from celosia.importer.guard import Archive, Budget, damage_as_error, parse_json, require, text
from celosia.support.errors import CelosiaError, Unsupported, located

__all__ = ["KerasFile", "Place", "places"]

_TODO = "save the model again"
_WEIGHTS = "model.weights.h5"
_HDF = b"\x89HDF"


@dataclass(frozen=True)
class Place:
    """Where a layer has its variables.

    Parameters
    ----------
    path : in a ``.keras`` file.
    top : in an ``.h5`` file, the name of the outermost model's layer that it is or is in.
    name : of the layer.
    """

    path: str
    top: str
    name: str


class KerasFile:
    """A context manager that closes the file of variables on exit.

    Parameters
    ----------
    data : bytes of the ``.keras`` or ``.h5`` file.

    Attributes
    ----------
    config : the model's configuration.

    Raises
    ------
    CelosiaError : the file is damaged, or h5py is not installed.
    """

    def __init__(self, data: bytes):
        self._old = data.startswith(_HDF)
        archive = None if self._old else Archive(data)
        if archive is not None:
            self.config = parse_json(archive.read("config.json"), "config.json")
        h5py = require("h5py", "h5py", "keras")
        weights = data if archive is None else archive.read(_WEIGHTS)
        what = "the HDF5 file" if self._old else _WEIGHTS
        self._dataset, self._hard = h5py.Dataset, h5py.HardLink
        with damage_as_error(f"{what} is damaged", _TODO):
            self._h5 = h5py.File(io.BytesIO(weights), "r")
            if self._old:
                self.config = self._old_config()
        self._budget = Budget(len(weights), "its arrays are larger than the file", _TODO)

    def __enter__(self) -> "KerasFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._h5.close()

    def _old_config(self) -> dict[str, Any]:
        if "model_config" not in self._h5.attrs:
            what = "the weights of a Keras model alone" if "layer_names" in self._h5.attrs else \
                "an HDF5 file, but of no Keras model"  # fmt: skip
            raise Unsupported(what, todo="give what model.save('model.keras') writes")
        config = self._h5.attrs["model_config"]
        data = config if isinstance(config, bytes) else str(config).encode()
        return parse_json(data, "model_config")

    def variables(self, place: Place, count: int) -> list[np.ndarray]:
        """The first ``count`` variables of the layer at ``place``, float32; fewer, if it has fewer.

        Raises
        ------
        CelosiaError : a variable is damaged, or larger than the file.
        Unsupported : a variable is not float, or stored in a form that Keras does not write.
        """
        where = text(place.name if self._old else place.path)
        with damage_as_error(f"{where} is damaged", _TODO):
            if self._old:
                names = self._old_names(place)[:count]
                return [self._read(f"model_weights/{place.top}/{name}") for name in names]
            group = self._group(f"{place.path}/vars")
            if group is None:
                return []
            several = range(min(len(group), count))
            return [self._read(f"{place.path}/vars/{index}") for index in several]

    def _old_names(self, place: Place) -> list[str]:
        """The names of a layer's variables below that of its outermost layer, in order."""
        group = self._group(f"model_weights/{place.top}")
        if group is None:
            return []
        names = list(group.attrs.get("weight_names", []))
        for index in range(64):  # long lists are in parts
            names += list(group.attrs.get(f"weight_names{index}", []))
        plain = [each.decode() if isinstance(each, bytes) else str(each) for each in names]
        if place.top == place.name:
            return plain
        return [each for each in plain if f"/{place.name}/" in f"/{each}"]

    def _group(self, path: str) -> Any:
        """The group or dataset at ``path``; None where there is none.

        Raises
        ------
        Unsupported : a link on the way leads to another place.
        """
        found: Any = self._h5
        for part in path.split("/"):
            link = found.get(part, getlink=True)
            if link is None:
                return None
            if not isinstance(link, self._hard):
                raise Unsupported("a link to another place", where=text(path), todo=_TODO)
            found = found[part]
        return found

    def _read(self, path: str) -> np.ndarray:
        dataset, where = self._group(path), text(path)
        if not isinstance(dataset, self._dataset):
            raise CelosiaError("not an array", where=where, todo=_TODO)
        # Only contiguous data within this file: then the stored size bounds what is read.
        if dataset.chunks or dataset.is_virtual or dataset.external:
            raise Unsupported("not stored in one piece", where=where, todo=_TODO)
        if dataset.dtype.kind != "f" or dataset.ndim > 5:
            raise Unsupported(
                f"{text(dataset.dtype)} with {dataset.ndim} axes", where=where, todo="use float32"
            )
        size = dataset.dtype.itemsize * dataset.size
        if dataset.id.get_storage_size() < size:
            raise CelosiaError(f"fewer bytes than shape {list(dataset.shape)} needs", where=where)
        with located(where):
            self._budget.spend(size)
        with np.errstate(over="ignore"):
            return np.asarray(dataset[()]).astype(np.float32)


def places(entries: list[dict[str, Any]], base: Place | None) -> list[Place]:
    """Where the layers of a model have their variables; ``base`` is the model's own place.

    Layers of one class are numbered in the order of their model: ``layers/dense``,
    ``layers/dense_1``, ...
    """
    counts: dict[str, int] = {}
    found = []
    for entry in entries:
        kind = _snake_case(entry["class_name"])
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        folder = f"{base.path}/layers" if base else "layers"
        name = str(entry["config"].get("name") or kind)
        path = f"{folder}/{kind}_{number}" if number else f"{folder}/{kind}"
        found.append(Place(path, base.top if base else name, name))
    return found


def _snake_case(name: str) -> str:
    """``BatchNormalization`` as batch_normalization, ``ReLU`` as re_lu."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
