"""Quantized networks as .npz files: plain arrays and one JSON text, nothing that can be executed.

A network comes back whole: its layers, what the host does around them, its notes and its names for
tensors, so that a program compiled from the file is the one compiled from the network itself.
"""

from pathlib import Path
from typing import Any

import numpy as np

from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError, located
from celosia.support.files import atomic_write, read

from .graph import Graph
from .host_steps import HostSteps
from .layer_file import (
    is_old,
    layer_arrays,
    layer_from_file,
    layer_header,
    numbers,
    old_header,
    text,
)
from .network import Network
from .npz import from_json, line, pack, to_json, unpack

__all__ = ["FORMAT", "load_network", "network_from_bytes", "network_to_bytes", "save_network"]

#: Value of ``format`` in the file's header; the number counts up when its meaning changes.
FORMAT = "celosia network 2"
#: Chains of `Dense` layers for vectors, whose output has no name of its own, are written so that
#: older versions read them, too.
_CHAIN = "celosia network 1"
#: What still older versions wrote: layers alone.
_GRAPH = "celosia graph 1"
_TODO = "quantize the model again"


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
    arrays = {
        f"{name}_{index}": array
        for index, layer in enumerate(graph.layers)
        for name, array in layer_arrays(layer).items()
    }
    layers = [layer_header(layer) for layer in graph.layers]
    header: dict[str, Any] = {"format": FORMAT, "name": graph.name, "layers": layers, "host": None}
    named = isinstance(network, Network) and network.host.output_name
    if graph.is_chain and all(map(is_old, graph.layers)) and not named:
        header |= {"format": _CHAIN, "layers": [old_header(layer) for layer in layers]}
    else:
        header |= {"reads": graph.reads, "outputs": graph.outputs}
    if isinstance(network, Network):
        header["host"] = network.host.to_dict()
        header["notes"] = list(network.notes)
        header["tensors"] = list(network.tensors)
        # Layers alone say how they compute; older versions, which do not know the name, run them.
        header["reference"] = str(network.reference)
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
    if header["format"] not in (FORMAT, _CHAIN, _GRAPH):
        raise CelosiaError(f"format {header['format']!r}, this Celosia reads {FORMAT!r}")
    layers = tuple(
        layer_from_file(each, arrays, index) for index, each in enumerate(header["layers"])
    )
    if arrays:
        raise CelosiaError(f"array {min(arrays)!r} is unexpected")
    edges: dict[str, Any] = {}
    if header["format"] == FORMAT:
        edges = {
            "reads": tuple(map(numbers, header["reads"])),
            "outputs": numbers(header["outputs"]),
        }
    graph = Graph(text(header["name"]), layers, **edges)
    if header["format"] == _GRAPH or header["host"] is None:
        return graph
    host = HostSteps.from_dict(header["host"])
    tensors = tuple(each if type(each) is int else text(each) for each in header["tensors"])
    reference = Runtime(header.get("reference", Runtime.LITERT))
    return Network(graph, host, tuple(map(line, header["notes"])), tensors, reference)
