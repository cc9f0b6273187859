"""A ``.pt2`` file as graph and tensors, without PyTorch.

`torch.export.load` is not used: it unpickles the example inputs and may unpickle weights, and
unpickling can run code. `torch.export.save` writes a zip file with the graph as JSON and, for plain
tensors, their bytes. The pickles in it (sample inputs, tensors of unusual layout) are never opened
here.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from celosia.importer.guard import Archive, parse_json, text
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["Program", "load"]

#: torch._export.serde.schema.ScalarType -> NumPy's type, of those that NumPy has.
_DTYPES = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8"}
_TODO = "write it with torch.export.save"


@dataclass(frozen=True, eq=False)
class Program:
    """``graph`` and ``signature`` as JSON objects; ``tensors`` by their names in the graph."""

    graph: dict[str, Any]
    signature: dict[str, Any]
    tensors: dict[str, np.ndarray]


def load(data: bytes) -> Program:
    """The program called "model" in the bytes of a ``.pt2`` file.

    Raises
    ------
    CelosiaError : the file is damaged, or was written by a PyTorch before 2.8, which had another
        layout.
    Unsupported : a tensor is pickled, big endian, or of a type that NumPy does not have.
    """
    archive = Archive(data)
    prefix = _prefix(archive.names)
    if f"{prefix}byteorder" in archive.names and archive.read(f"{prefix}byteorder") != b"little":
        raise Unsupported("its tensors are big endian")
    model = parse_json(archive.read(f"{prefix}models/model.json"), "models/model.json")
    module = model["graph_module"]
    signature = module["signature"]
    tensors = {}
    for kind in ("weights", "constants"):
        config = f"{prefix}data/{kind}/model_{kind}_config.json"
        if config not in archive.names:
            continue
        entries = parse_json(archive.read(config), f"{kind} list")["config"]
        stored = {
            name: (archive, f"{prefix}data/{kind}/", entry) for name, entry in entries.items()
        }
        for graph_name, name in _names(signature):
            if name in stored:
                tensors[graph_name] = _tensor(name, *stored[name])
    return Program(module["graph"], signature, tensors)


def _prefix(names: list[str]) -> str:
    for name in names:
        if name.endswith("models/model.json"):
            return name.removesuffix("models/model.json")
    if any(name.endswith("data.pkl") for name in names):
        raise Unsupported(
            "a pickled PyTorch file, which could run code when it is loaded",
            todo="export it with torch.export.save(torch.export.export(model.eval(), (x,)), ...)",
        )
    raise CelosiaError("models/model.json is missing", todo=_TODO)


def _names(signature: dict) -> list[tuple[str, str]]:
    """(name in the graph, name in the module) of every tensor that the file holds."""
    pairs = []
    for spec in signature["input_specs"]:
        for kind, key in (
            ("parameter", "parameter_name"),
            ("buffer", "buffer_name"),
            ("tensor_constant", "tensor_constant_name"),
        ):
            if kind in spec:
                pairs.append((spec[kind]["arg"]["name"], spec[kind][key]))
    return pairs


def _tensor(name: str, archive: Archive, folder: str, entry: dict) -> np.ndarray:
    where = text(name)
    if entry.get("use_pickle"):
        raise Unsupported(
            "it is stored as a pickle, which could run code",
            where=where,
            todo="make it a plain contiguous tensor",
        )
    meta = entry["tensor_meta"]
    if meta["dtype"] not in _DTYPES:
        raise Unsupported(f"scalar type {meta['dtype']}", where=where, todo="use float32")
    dtype = np.dtype(_DTYPES[meta["dtype"]])
    shape = tuple(_integer(size) for size in meta["sizes"])
    strides = tuple(_integer(step) for step in meta["strides"])
    offset = _integer(meta["storage_offset"])
    if len(shape) > 8 or len(strides) != len(shape):
        raise CelosiaError(f"shape {shape} with strides {strides}", where=where, todo=_TODO)
    data = archive.read(folder + entry["path_name"])
    reach = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True)) + 1
    # The product is checked too: strides of 0 could make a large tensor of few bytes.
    if 0 in shape or prod(shape) * dtype.itemsize > len(data) or reach * dtype.itemsize > len(data):
        raise CelosiaError(f"shape {shape} does not fit {len(data)} bytes", where=where, todo=_TODO)
    flat = np.frombuffer(data, dtype, len(data) // dtype.itemsize)[offset:]
    steps = tuple(step * dtype.itemsize for step in strides)
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, shape, steps))


def _integer(value: dict[str, Any]) -> int:
    """A size, stride or offset, 0 <= n < 2**40."""
    number = value["as_int"]
    if type(number) is not int or not 0 <= number < 1 << 40:
        raise CelosiaError(f"size {text(number)} is not in 0..2**40", todo=_TODO)
    return number
