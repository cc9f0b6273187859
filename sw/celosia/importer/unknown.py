"""All operators of a file that its importer does not support: the importer names only the first."""

from collections.abc import Iterator
from pathlib import Path

from celosia.network.outline import Operation, Place
from celosia.support.files import read

from .formats import Format, identify
from .guard import damage_as_error, text

__all__ = ["unknown_operations"]

_WHY = "this operator is not supported"


def unknown_operations(path: Path | str) -> list[Operation]:
    """All unsupported operators of an ``.onnx`` or ``.keras`` file; none for other formats.

    Raises
    ------
    CelosiaError : the file is damaged.
    """
    data = read(path)
    with damage_as_error("not a model", "check that the file is complete"):
        listing = {Format.ONNX: _onnx, Format.KERAS: _keras}
        found = listing.get(identify(data, Path(path).suffix))
        return list(found(data)) if found else []


def _onnx(data: bytes) -> Iterator[Operation]:
    from celosia.importer.onnx.constants import CONSTANT_OPERATORS
    from celosia.importer.onnx.operators import OPERATORS
    from celosia.importer.onnx.proto import load

    known = {*OPERATORS, *CONSTANT_OPERATORS, "QuantizeLinear", "DequantizeLinear"}
    for node in load(data).nodes:
        if node.op not in known:
            yield Operation(node.where, node.op, Place.UNSUPPORTED, _WHY)


def _keras(data: bytes) -> Iterator[Operation]:
    from celosia.importer.keras.archive import KerasFile

    with KerasFile(data) as file:
        yield from _keras_layers(file.config["config"], 0)


def _keras_layers(config: dict, depth: int) -> Iterator[Operation]:
    from celosia.importer.keras.layers import LAYERS

    for entry in config["layers"]:
        kind, inner = entry["class_name"], entry["config"]
        if kind in ("Sequential", "Functional") and depth < 8:
            yield from _keras_layers(inner, depth + 1)
        elif kind not in LAYERS and kind not in ("InputLayer", "Add", "Multiply"):
            name = text(inner.get("name") or kind)
            yield Operation(f"{text(kind)} {name!r}", text(kind), Place.UNSUPPORTED, _WHY)
