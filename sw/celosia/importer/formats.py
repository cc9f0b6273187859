"""What a model file is: decided here, by its content, for everything that reads one."""

import mmap
from enum import Enum

from celosia.compiler.image import MAGIC, SUFFIX
from celosia.support.errors import CelosiaError, Unsupported

from .guard import Archive

__all__ = ["Format", "identify"]

_TODO = "give .tflite, .onnx, .keras, .pt2, .npz or .celosia"


class Format(Enum):
    """A kind of model file; the value is its name for people."""

    IMAGE = "program image"
    NETWORK = "quantized network"
    FLOAT = "float network"
    TFLITE = "TFLite"
    ONNX = "ONNX"
    KERAS = "Keras"
    TORCH = "PyTorch"


def identify(data: bytes | mmap.mmap, suffix: str = "") -> Format:
    """The format of a file with the content ``data``.

    Parameters
    ----------
    data : the whole file, or a memory map of it: of anything but a zip file only the first bytes
        are looked at.
    suffix : of its name, such as ".onnx"; asked only where the content leaves it open.

    Raises
    ------
    CelosiaError : it is no model of a known format, or a damaged zip file.
    Unsupported : a format that is known and not read; the error says what to give instead.
    """
    start = data[:16]
    # Of the mark only its letters: what follows them is there to find files mangled on their way,
    # and it is `Image.from_bytes` that says so.
    if start.startswith(MAGIC[:5]) or suffix == SUFFIX:
        return Format.IMAGE
    if start.startswith(b"PK"):
        return _zip(Archive(bytes(data)).names)
    if start[4:8] == b"TFL3" or suffix == ".tflite":
        return Format.TFLITE
    if start.startswith(b"\x89HDF"):
        return Format.KERAS
    if start.startswith(b"\x80") or suffix in (".pt", ".pth"):
        raise Unsupported(
            "a pickled PyTorch file, which could run code when it is loaded",
            todo="export it with torch.export.save(torch.export.export(model.eval(), (x,)), ...)",
        )
    # Protobuf has no magic; ONNX's first field is its version, a small number.
    if suffix == ".onnx" or (start[:1] == b"\x08" and start[1:2] < b"\x40"):
        return Format.ONNX
    raise CelosiaError("not a model of a known format", todo=_TODO)


def _zip(names: list[str]) -> Format:
    # Celosia's own .npz files first: their arrays have names that no other format has.
    if "activations.npy" in names:
        return Format.FLOAT
    if "header.npy" in names:
        return Format.NETWORK
    if "config.json" in names:
        return Format.KERAS
    if any(each.endswith(("models/model.json", "data.pkl")) for each in names):
        return Format.TORCH
    raise CelosiaError("a zip file, but of no known model format", todo=_TODO)
