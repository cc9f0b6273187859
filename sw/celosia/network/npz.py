"""The container of Celosia's own model files: NumPy's .npz, of which nothing is ever executed."""

import io
import json
import zipfile

import numpy as np

from celosia.support.errors import CelosiaError

__all__ = ["from_json", "line", "pack", "to_json", "unpack"]


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """The content of an .npz file.

    Any name is possible, of which ``numpy.savez`` takes some for its own arguments.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as container:
        for name, array in arrays.items():
            with container.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    return file.getvalue()


def unpack(data: bytes, todo: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file.

    Raises
    ------
    CelosiaError : it is none, cut short or damaged; ``todo`` says what to do.
    """
    try:
        # Damaged zip and npy data raises a dozen unrelated types, MemoryError among them.
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = dict(file)
        # What is no array NumPy gives as bytes.
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("a member that is no array")
        return arrays
    except Exception as error:
        raise CelosiaError("not an .npz file, or cut short or damaged", todo=todo) from error


def to_json(document: dict) -> np.ndarray:
    """``document`` as an array: JSON as UTF-8 bytes."""
    return np.frombuffer(json.dumps(document, allow_nan=False).encode(), np.uint8)


def from_json(array: np.ndarray) -> dict:
    """The inverse of `to_json`. Raises ValueError where it is none."""
    document = json.loads(array.tobytes())
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    return document


def line(value: object) -> str:
    """A text out of a file as one printable line. Raises ValueError where it is no text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return "".join(c if c.isprintable() else "?" for c in value)
