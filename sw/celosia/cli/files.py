"""Files that commands read: models at every stage, and arrays."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from celosia.errors import CelosiaError

if TYPE_CHECKING:
    from celosia.graph import Graph
    from celosia.image import Image
    from celosia.mlp import FloatMLP

__all__ = ["load_array", "load_model", "read"]


def read(path: str) -> bytes:
    """All bytes of a file; CelosiaError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CelosiaError(
            f"cannot read: {error.strerror or error}", where=path, todo="check the path"
        ) from error


def load_model(path: str) -> "Image | Graph | FloatMLP":
    """A program image, a quantized graph (.npz or int8 .tflite) or a float model, by its content.

    Raises
    ------
    CelosiaError : it cannot be read, is none of them, or is damaged.
    """
    data = read(path)
    if path.endswith(".tflite") or data[4:8] == b"TFL3":
        from celosia.importer.tflite import read_tflite

        return read_tflite(path).graph
    if data.startswith(b"PK"):
        from celosia.graph_file import graph_from_bytes
        from celosia.mlp import FloatMLP

        if "activations" in _names(data, path):
            return FloatMLP.load(path)
        return graph_from_bytes(data, where=path)
    from celosia.image import MAGIC, SUFFIX, Image

    if data.startswith(MAGIC[:5]) or path.endswith(SUFFIX):
        return Image.from_bytes(data, where=path)
    raise CelosiaError(
        "neither a program image, a graph nor a model", where=path, todo=f"give .npz or {SUFFIX}"
    )


def load_array(path: str) -> np.ndarray:
    """The array in a .npy file, or the only one in an .npz file.

    Raises
    ------
    CelosiaError : it cannot be read, is neither, is damaged, or holds other than one array.
    """
    data = read(path)
    try:
        # Damaged data raises a dozen unrelated types, MemoryError among them.
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
    except Exception as error:
        raise CelosiaError(
            "not a .npy or .npz file of numbers, or cut short or damaged",
            where=path,
            todo="write it with numpy.save",
        ) from error
    if len(arrays) != 1:
        names = ", ".join(arrays) or "none"
        raise CelosiaError(
            f"{len(arrays)} arrays ({names}), not one", where=path, todo="save a single array"
        )
    return next(iter(arrays.values()))


def _names(data: bytes, path: str) -> list[str]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return file.files
    except Exception as error:
        raise CelosiaError(
            "not an .npz file, or cut short or damaged", where=path, todo="save it again"
        ) from error
