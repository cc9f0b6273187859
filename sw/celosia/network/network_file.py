"""Quantized networks as .npz files: plain arrays and one JSON text, nothing that can be executed.

A network comes back whole: its layers, what the host does around them, its notes and its names for
tensors, so that a program compiled from the file is the one compiled from the network itself.
"""

from pathlib import Path
from typing import Any

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import Rounding
from celosia.support.errors import CelosiaError, located
from celosia.support.files import atomic_write, read

from .graph import Dense, Graph
from .host_steps import HostSteps
from .network import Network
from .npz import from_json, line, pack, to_json, unpack

__all__ = ["FORMAT", "load_network", "network_from_bytes", "network_to_bytes", "save_network"]

#: Value of ``format`` in the file's header; the number counts up when its meaning changes.
FORMAT = "celosia network 1"
#: What older versions wrote: layers alone.
_GRAPH = "celosia graph 1"
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


def save_network(network: Network | Graph, path: Path | str) -> None:
    """Write ``network``, whole or not at all (`atomic_write`)."""
    atomic_write(path, network_to_bytes(network))


def load_network(path: Path | str) -> Network | Graph:
    """Read what `save_network` wrote: a graph where that was one.

    Raises
    ------
    CelosiaError : it cannot be read, or `network_from_bytes` refuses it.
    """
    data = read(path)
    with located(str(path)):
        return network_from_bytes(data)


def network_to_bytes(network: Network | Graph) -> bytes:
    """The file: array ``header`` (JSON as UTF-8 bytes), and ``weights_0``, ``bias_0``, ..."""
    graph = network if isinstance(network, Graph) else network.graph
    arrays, layers = {}, []
    for index, layer in enumerate(graph.layers):
        for name, (dtype, _) in _ARRAYS.items():
            value = getattr(layer, name)
            if value is not None:
                arrays[f"{name}_{index}"] = np.asarray(value).astype(dtype)
        layers.append(
            {
                "name": layer.name,
                "input": layer.input.to_dict(),
                "output": layer.output.to_dict(),
                "clamp": list(map(int, layer.clamp)),
                "rounding": Rounding(layer.rounding).name,
                "table_output": layer.table_output and layer.table_output.to_dict(),
            }
        )
    header: dict[str, Any] = {"format": FORMAT, "name": graph.name, "layers": layers, "host": None}
    if isinstance(network, Network):
        header["host"] = network.host.to_dict()
        header["notes"] = list(network.notes)
        header["tensors"] = list(network.tensors)
    return pack({"header": to_json(header), **arrays})


def network_from_bytes(data: bytes) -> Network | Graph:
    """The inverse of `network_to_bytes`.

    Raises
    ------
    CelosiaError : no .npz file, cut short, damaged, of another format, or with contents that make
        no network.
    """
    try:
        return _network(unpack(data, _TODO))
    except CelosiaError as error:
        raise CelosiaError(error.what, where=error.where, todo=error.todo or _TODO) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CelosiaError(f"not a network: {line(str(error))}", todo=_TODO) from error


def _network(arrays: dict[str, np.ndarray]) -> Network | Graph:
    if "header" not in arrays:
        raise CelosiaError("no quantized network: the array 'header' is missing")
    header = from_json(arrays.pop("header"))
    if header["format"] not in (FORMAT, _GRAPH):
        raise CelosiaError(f"format {header['format']!r}, this Celosia reads {FORMAT!r}")
    layers = tuple(_layer(arrays, index, each) for index, each in enumerate(header["layers"]))
    if arrays:
        raise CelosiaError(f"array {min(arrays)!r} is unexpected")
    graph = Graph(_text(header["name"]), layers)
    if header["format"] == _GRAPH or header["host"] is None:
        return graph
    host = HostSteps.from_dict(header["host"])
    tensors = tuple(each if type(each) is int else _text(each) for each in header["tensors"])
    return Network(graph, host, tuple(map(line, header["notes"])), tensors)


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
    after = header["table_output"]
    return Dense(
        name=_text(header["name"]),
        input=Quant.from_dict(header["input"]),
        output=Quant.from_dict(header["output"]),
        clamp=(_integer(low), _integer(high)),
        rounding=Rounding[header["rounding"]],
        table_output=None if after is None else Quant.from_dict(after),
        **values,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"name {value!r}")
    return value


def _integer(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not an integer")
    return value
