"""An ``.onnx`` file as nodes and arrays."""

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from celosia.importer.guard import require, text
from celosia.support.errors import CelosiaError, Unsupported, located

from .external import External
from .types import FLOATS, INTEGERS, NUMPY, STRING, name_of

__all__ = ["Node", "OnnxGraph", "load"]

_TODO = "check that the file is a complete .onnx file"
_EXTERNAL, _BFLOAT16 = 1, 16
#: Four bits a number: whether they are signed.
_NIBBLES = {21: False, 22: True}
_DOMAINS = ("", "ai.onnx", "com.microsoft")
#: AttributeProto.AttributeType -> field, for the types that supported operators have.
_ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}


@dataclass(frozen=True, eq=False)
class Node:
    """One operator. ``attributes`` are numbers, lists, bytes and arrays; None for other types."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.op} {self.name!r}"


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """A graph with one input.

    Parameters
    ----------
    nodes : in the order of the file, which ONNX defines to be executable.
    constants : the initializers.
    input, outputs : their names.
    input_shape : without the batch axis.
    input_type : its data type, by name.
    opset : version of ONNX's standard operators.
    size : bytes of the file and of those that belong to it.
    """

    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray] = field(repr=False)
    input: str
    input_shape: tuple[int, ...]
    input_type: str
    outputs: tuple[str, ...]
    opset: int
    size: int


def load(data: bytes, folder: Path | None = None) -> OnnxGraph:
    """The graph in the bytes of an ``.onnx`` file.

    Parameters
    ----------
    folder : of the file, for data in files beside it.

    Raises
    ------
    CelosiaError : the package onnx is not installed, or the file is damaged.
    Unsupported : the graph does not have one input, or a tensor is sparse or of a type that is not
        supported.
    """
    onnx = require("onnx", "onnx", "onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, RecursionError) as error:
        raise CelosiaError("not an ONNX model, or cut short or damaged", todo=_TODO) from error
    graph, external = model.graph, External(folder)
    constants = {each.name: _tensor(each, external) for each in graph.initializer}
    if graph.sparse_initializer:
        raise Unsupported("the model has sparse tensors", todo="save dense ones")
    if model.functions:
        raise Unsupported(
            "the model has functions of its own",
            todo="inline them: onnx.inliner.inline_local_functions",
        )
    inputs = [each for each in graph.input if each.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(text(each.name) for each in inputs[:8])
        raise Unsupported(
            f"the model has {len(inputs)} inputs ({names}), not 1" if inputs else
            "the model has 0 inputs, not 1"
        )  # fmt: skip
    versions = [each.version for each in model.opset_import if each.domain in _DOMAINS[:2]]
    nodes = tuple(_node(each, index, external) for index, each in enumerate(graph.node))
    shape, kind = _input(inputs[0])
    return OnnxGraph(
        nodes,
        constants,
        inputs[0].name,
        shape,
        kind,
        tuple(each.name for each in graph.output),
        max(versions, default=1),
        len(data) + external.size,
    )


def _tensor(proto: Any, external: External) -> np.ndarray:
    """The array of a TensorProto; float16 and bfloat16 as float32, four bits as int8."""
    with located(f"tensor {text(proto.name)!r}"):
        shape = tuple(proto.dims)
        if len(shape) > 8 or any(size < 0 for size in shape):
            raise CelosiaError(f"shape {list(shape)[:9]} is not possible", todo=_TODO)
        raw = proto.raw_data if proto.HasField("raw_data") else None
        if proto.data_location == _EXTERNAL or proto.external_data:
            raw = external.read(proto.external_data)
        count, kind = prod(shape), proto.data_type
        if kind == STRING:
            flat = np.array([each.decode("utf-8", "replace") for each in proto.string_data])
        elif kind in _NIBBLES:
            flat = _nibbles(raw, proto.int32_data, count, _NIBBLES[kind])
        elif kind == _BFLOAT16:
            half = _numbers(raw, proto.int32_data, np.dtype("<u2"))
            flat = (half.astype(np.uint32) << 16).view(np.float32)
        elif kind in NUMPY:
            form, where = NUMPY[kind]
            flat = _numbers(raw, getattr(proto, where), np.dtype(form))
        else:
            raise Unsupported(f"{name_of(kind)} is not read", todo="save it as float32")
        if len(flat) != count:
            raise CelosiaError(f"shape {list(shape)} but {len(flat)} values", todo=_TODO)
        flat = flat.astype(np.float32) if flat.dtype == np.float16 else flat
        return flat.reshape(shape)


def _numbers(raw: bytes | None, values: Any, dtype: np.dtype) -> np.ndarray:
    if raw is None:
        # float16 is kept as its bits.
        if dtype == np.float16:
            return np.array(values, np.int64).astype(np.uint16).view(np.float16)
        return np.array(values).astype(dtype)
    if len(raw) % dtype.itemsize:
        raise CelosiaError(f"{len(raw)} bytes of {dtype.itemsize} each", todo=_TODO)
    return np.frombuffer(raw, dtype)


def _nibbles(raw: bytes | None, values: Any, count: int, signed: bool) -> np.ndarray:
    """Two numbers a byte, the first in its lower half."""
    octets = _numbers(raw, values, np.dtype("u1"))
    if len(octets) != (count + 1) // 2:
        raise CelosiaError(f"{len(octets)} bytes for {count} numbers of 4 bits", todo=_TODO)
    pairs = np.stack([octets & 15, octets >> 4], axis=1).ravel()[:count].astype(np.int8)
    return np.where(pairs > 7, pairs - 16, pairs).astype(np.int8) if signed else pairs


def _node(proto: Any, index: int, external: External) -> Node:
    name = text(proto.name) or str(index)
    op = text(proto.op_type)
    if proto.domain not in _DOMAINS:
        op = f"{text(proto.domain)}.{op}"
    attributes: dict[str, Any] = {}
    with located(f"{op} {name!r}"):
        for each in proto.attribute:
            kind = _ATTRIBUTES.get(each.type)
            if kind is None or each.ref_attr_name:
                attributes[text(each.name)] = None
                continue
            value = getattr(each, kind)
            if kind == "t":
                value = _tensor(value, external)
            many = kind in ("floats", "ints", "strings")
            attributes[text(each.name)] = list(value) if many else value
    return Node(op, name, tuple(proto.input), tuple(proto.output), attributes)


def _input(info: Any) -> tuple[tuple[int, ...], str]:
    """Shape and data type of the model's input."""
    with located(f"input {text(info.name)!r}"):
        kind = info.type.tensor_type
        if kind.elem_type not in FLOATS and kind.elem_type not in INTEGERS:
            raise Unsupported(
                f"{name_of(kind.elem_type)} is not read", todo="give the model a float32 input"
            )
        sizes = kind.shape.dim
        if len(sizes) < 2:
            raise Unsupported(f"{len(sizes)} axes, not 2 or more", todo="give it a batch axis")
        if any(size.dim_value < 1 for size in sizes[1:]):
            raise Unsupported(
                "an axis other than the batch has no fixed length",
                todo="export it with fixed sizes",
            )
        return tuple(size.dim_value for size in sizes[1:]), name_of(kind.elem_type)
