"""Quantized graphs as .npz files: plain arrays and one JSON text, nothing that can be executed."""

import io
import json
from pathlib import Path

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import Rounding
from celosia.support.errors import CelosiaError, located
from celosia.support.files import atomic_write, read

from .graph import Dense, Graph
from .npz import unpack

__all__ = ["FORMAT", "graph_from_bytes", "graph_to_bytes", "load_graph", "save_graph"]

#: Value of ``format`` in the file's header; the number counts up when its meaning changes.
FORMAT = "celosia graph 1"
_TODO = "quantize the model again"
#: Array of a layer: its dtype and number of axes. All but the table are always there.
_ARRAYS = {
    "weights": ("int8", 2),
    "bias": ("int32", 1),
    "multiplier": ("int64", 1),
    "shift": ("int64", 1),
    "table": ("int8", 1),
}
_FIELDS = {"name", "input", "output", "clamp", "rounding", "table_output"}


def save_graph(graph: Graph, path: Path | str) -> None:
    """Write ``graph``, whole or not at all (`cache.atomic_write`)."""
    atomic_write(path, graph_to_bytes(graph))


def load_graph(path: Path | str) -> Graph:
    """Read what `save_graph` wrote.

    Raises
    ------
    CelosiaError : it cannot be read, or `graph_from_bytes` refuses it.
    """
    data = read(path)
    with located(str(path)):
        return graph_from_bytes(data)


def graph_to_bytes(graph: Graph) -> bytes:
    """The file: array ``header`` (JSON as UTF-8 bytes), and ``weights_0``, ``bias_0``, ..."""
    arrays, layers = {}, []
    for index, layer in enumerate(graph.layers):
        for name, (dtype, _) in _ARRAYS.items():
            value = getattr(layer, name)
            if value is not None:
                arrays[f"{name}_{index}"] = np.asarray(value).astype(dtype)
        layers.append(
            {
                "name": layer.name,
                "input": _plain(layer.input),
                "output": _plain(layer.output),
                "clamp": list(map(int, layer.clamp)),
                "rounding": Rounding(layer.rounding).name,
                "table_output": _plain(layer.table_output) if layer.table_output else None,
            }
        )
    header = {"format": FORMAT, "name": graph.name, "layers": layers}
    text = json.dumps(header, allow_nan=False).encode()
    file = io.BytesIO()
    np.savez(file, header=np.frombuffer(text, np.uint8), **arrays)
    return file.getvalue()


def graph_from_bytes(data: bytes) -> Graph:
    """The inverse of `graph_to_bytes`.

    Raises
    ------
    CelosiaError : no .npz file, cut short, damaged, of another format, or with contents that make
        no graph.
    """
    try:
        return _graph(unpack(data, _TODO))
    except CelosiaError as error:
        raise CelosiaError(error.what, where=error.where, todo=error.todo or _TODO) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CelosiaError(f"not a graph: {error}", todo=_TODO) from error


def _graph(arrays: dict[str, np.ndarray]) -> Graph:
    if "header" not in arrays:
        raise CelosiaError("no quantized graph: the array 'header' is missing")
    header = json.loads(arrays.pop("header").tobytes())
    if header["format"] != FORMAT:
        raise CelosiaError(f"format {header['format']!r}, this Celosia reads {FORMAT!r}")
    layers = tuple(_layer(arrays, index, each) for index, each in enumerate(header["layers"]))
    if arrays:
        raise CelosiaError(f"array {min(arrays)!r} is unexpected")
    return Graph(_text(header["name"]), layers)


def _layer(arrays: dict[str, np.ndarray], index: int, header: dict) -> Dense:
    if set(header) != _FIELDS:
        raise CelosiaError(f"fields {sorted(set(header) ^ _FIELDS)} differ", where=f"layer {index}")
    values = {}
    for name, (dtype, ndim) in _ARRAYS.items():
        key = f"{name}_{index}"
        value = arrays.pop(key, None)
        if value is None and name == "table":
            continue
        if value is None:
            raise CelosiaError(f"array {key!r} is missing")
        if value.dtype != dtype or value.ndim != ndim:
            raise CelosiaError(
                f"{key} is {value.dtype} {list(value.shape)}, not {dtype} with {ndim} axes"
            )
        values[name] = value
    low, high = header["clamp"]
    return Dense(
        name=_text(header["name"]),
        input=_quant(header["input"]),
        output=_quant(header["output"]),
        clamp=(_integer(low), _integer(high)),
        rounding=Rounding[header["rounding"]],
        table_output=None if header["table_output"] is None else _quant(header["table_output"]),
        **values,
    )


def _quant(header: dict) -> Quant:
    scale, zero_point = header["scale"], _integer(header["zero_point"])
    if set(header) != {"scale", "zero_point"} or type(scale) is not float:
        raise ValueError(f"quantization {header}")
    if not 0 < scale < float("inf") or not -128 <= zero_point <= 127:
        raise ValueError(f"scale {scale}, zero point {zero_point}")
    return Quant(scale, zero_point)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"name {value!r}")
    return value


def _integer(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not an integer")
    return value


def _plain(quant: Quant) -> dict:
    """With Python's numbers, where an importer may have left NumPy's."""
    return {"scale": float(quant.scale), "zero_point": int(quant.zero_point)}
