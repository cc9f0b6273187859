"""Files that commands read: models at every stage, and arrays."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from celosia.support.errors import CelosiaError, located
from celosia.support.files import read

if TYPE_CHECKING:
    from celosia.compiler.image import Image
    from celosia.importer.load import Model
    from celosia.numerics.runtime import Runtime

__all__ = ["load_array", "load_model"]


def load_model(path: str, reference: "Runtime | None" = None) -> "Image | Model":
    """A program image, a quantized graph or network, or a float model, by its content.

    Parameters
    ----------
    reference : whose bytes are asked for, as `celosia.importer.load_model` takes it; that of a
        program image is left to `options.check_reference`.

    Raises
    ------
    CelosiaError : it cannot be read, is none of them, or is damaged.
    """
    data = read(path)
    from celosia.compiler.image import Image
    from celosia.importer.formats import Format, identify
    from celosia.importer.load import model_from_bytes

    with located(path):
        kind = identify(data, Path(path).suffix)
    if kind is Format.IMAGE:
        return Image.from_bytes(data, where=path)
    with located(path):
        place = Path(path)
        name, folder = place.stem or "model", place.parent
        return model_from_bytes(data, name, place.suffix, reference, folder=folder)


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
