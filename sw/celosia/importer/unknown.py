"""All operators of a file that its importer does not support: the importer names only the first."""

from collections.abc import Iterator
from pathlib import Path

from celosia.network.outline import Operation, Place
from celosia.support.errors import Unsupported
from celosia.support.files import read

from .formats import Format, identify
from .guard import damage_as_error, text

__all__ = ["unknown_operations"]

_WHY = "this operator is not supported"


def unknown_operations(path: Path | str) -> list[Operation]:
    """All unsupported operators of an ``.onnx``, ``.keras`` or float ``.tflite`` file; none for
    other formats.

    Raises
    ------
    CelosiaError : the file is damaged.
    """
    data = read(path)
    with damage_as_error("not a model", "check that the file is complete"):
        kind = identify(data, Path(path).suffix)
        if kind is Format.ONNX:
            return list(_onnx(data, Path(path).parent))
        if kind is Format.TFLITE:
            return list(_tflite(data))
        return list(_keras(data)) if kind is Format.KERAS else []


def _onnx(data: bytes, folder: Path) -> Iterator[Operation]:
    from celosia.importer.onnx.labels import labels
    from celosia.importer.onnx.operators import OPERATORS
    from celosia.importer.onnx.proto import load
    from celosia.importer.onnx.qdq import LINEAR

    known, graph = {*OPERATORS, *LINEAR}, load(data, folder)
    try:
        _, of_labels, _ = labels(graph)
    except Unsupported:  # several outputs: the importer says so itself
        of_labels = set()
    for node in graph.nodes:
        if node.op not in known and node not in of_labels:
            yield Operation(node.where, node.op, Place.UNSUPPORTED, _WHY)


def _tflite(data: bytes) -> Iterator[Operation]:
    from celosia.importer.tflite.floats.operators import OPERATORS
    from celosia.importer.tflite.load import load

    for op in load(data).operators:
        if op.code not in OPERATORS:
            yield Operation(str(op), op.code, Place.UNSUPPORTED, _WHY)


def _keras(data: bytes) -> Iterator[Operation]:
    from celosia.importer.keras.archive import KerasFile

    with KerasFile(data) as file:
        yield from _keras_layers(file.config["config"], 0)


def _keras_layers(config: dict, depth: int) -> Iterator[Operation]:
    from celosia.importer.keras.calls import CALLS
    from celosia.importer.keras.layers import LAYERS, MERGES
    from celosia.importer.keras.model import MODELS

    for entry in config["layers"]:
        kind, inner = entry["class_name"], entry["config"]
        known = {*LAYERS, *MERGES, "InputLayer"}
        if str(entry.get("module")).startswith("keras.src.ops"):
            known = set(CALLS)
        if kind in MODELS and "layers" in inner and depth < 8:
            yield from _keras_layers(inner, depth + 1)
        elif kind not in known:
            name = text(inner.get("name") or kind)
            yield Operation(f"{text(kind)} {name!r}", text(kind), Place.UNSUPPORTED, _WHY)
