"""An ``.onnx`` file as nodes and arrays."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from celosia.importer.guard import require, text
from celosia.support.errors import CelosiaError, Unsupported, located

__all__ = ["Node", "OnnxGraph", "load", "tensor"]

_TODO = "check that the file is a complete .onnx file"
#: TensorProto.DataType -> NumPy's type, and the field that holds values which are not in raw_data.
_TYPES = {
    1: ("<f4", "float_data"),
    2: ("u1", "int32_data"),
    3: ("i1", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("?", "int32_data"),
    11: ("<f8", "double_data"),
}
_FLOAT, _EXTERNAL = 1, 1
_DOMAINS = ("", "ai.onnx", "com.microsoft")
#: AttributeProto.AttributeType -> field, for the types that supported operators have.
_ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints"}


@dataclass(frozen=True, eq=False)
class Node:
    """One operator. ``attributes`` are numbers, lists, bytes and arrays; None for other types."""

    op: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.op} {self.name!r}"


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """A graph with one input and one output.

    Parameters
    ----------
    nodes : in the order of the file, which ONNX defines to be executable.
    constants : the initializers.
    input, output : their names.
    input_shape : without the batch axis.
    opset : version of ONNX's standard operators.
    """

    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]
    input: str
    input_shape: tuple[int, ...]
    output: str
    opset: int


def load(data: bytes) -> OnnxGraph:
    """The graph in the bytes of an ``.onnx`` file.

    Raises
    ------
    CelosiaError : the package onnx is not installed, or the file is damaged.
    Unsupported : the graph does not have one input and one output, the input is not float32, or a
        tensor is sparse, in another file, or of a type that is not supported.
    """
    onnx = require("onnx", "onnx", "onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, RecursionError) as error:
        raise CelosiaError("not an ONNX model, or cut short or damaged", todo=_TODO) from error
    graph = model.graph
    constants = {}
    for each in graph.initializer:
        constants[each.name] = tensor(each)
    if graph.sparse_initializer:
        raise Unsupported("the model has sparse tensors", todo="save dense ones")
    inputs = [each for each in graph.input if each.name not in constants]
    for what, entries in (("inputs", inputs), ("outputs", graph.output)):
        if len(entries) != 1:
            raise Unsupported(f"the model has {len(entries)} {what}, not 1")
    versions = [each.version for each in model.opset_import if each.domain in _DOMAINS[:2]]
    return OnnxGraph(
        tuple(_node(each, index) for index, each in enumerate(graph.node)),
        constants,
        inputs[0].name,
        _input_shape(inputs[0]),
        graph.output[0].name,
        max(versions, default=1),
    )


def tensor(proto: Any) -> np.ndarray:
    """The array of a TensorProto.

    Raises
    ------
    CelosiaError : its data do not fill its shape.
    Unsupported : its data are in another file, or of a type that is not in `_TYPES`.
    """
    with located(f"tensor {text(proto.name)!r}"):
        if proto.data_location == _EXTERNAL or proto.external_data:
            raise Unsupported(
                "its data are in another file, which is not read",
                todo="save the model with save_as_external_data=False",
            )
        if proto.data_type not in _TYPES:
            raise Unsupported(f"data type {proto.data_type}", todo="save it as float32")
        form, field = _TYPES[proto.data_type]
        shape, dtype = tuple(proto.dims), np.dtype(form)
        if len(shape) > 8 or any(size < 0 for size in shape):
            raise CelosiaError(f"shape {list(shape)[:9]} is not possible", todo=_TODO)
        count = prod(shape)
        if proto.HasField("raw_data"):
            have = len(proto.raw_data) / dtype.itemsize
            flat = np.frombuffer(proto.raw_data, dtype) if have == count else None
        else:
            values = getattr(proto, field)
            have = len(values)
            flat = np.array(values).astype(dtype) if have == count else None
        if flat is None:
            raise CelosiaError(f"shape {list(shape)} but {have:g} values", todo=_TODO)
        return flat.reshape(shape)


def _node(proto: Any, index: int) -> Node:
    name = text(proto.name) or str(index)
    op = text(proto.op_type)
    if proto.domain not in _DOMAINS:
        op = f"{text(proto.domain)}.{op}"
    attributes: dict[str, Any] = {}
    for each in proto.attribute:
        field = _ATTRIBUTES.get(each.type)
        if field is None:
            attributes[each.name] = None
            continue
        value = getattr(each, field)
        if field == "t":
            value = tensor(value)
        attributes[each.name] = list(value) if field in ("floats", "ints") else value
    output = proto.output[0] if proto.output else ""
    return Node(op, name, tuple(proto.input), output, attributes)


def _input_shape(info: Any) -> tuple[int, ...]:
    with located(f"input {text(info.name)!r}"):
        kind = info.type.tensor_type
        if kind.elem_type != _FLOAT:
            raise Unsupported(f"data type {kind.elem_type}", todo="give the model a float32 input")
        sizes = kind.shape.dim
        if len(sizes) < 2:
            raise Unsupported(f"{len(sizes)} axes, not 2 or more", todo="give it a batch axis")
        if any(size.dim_value < 1 for size in sizes[1:]):
            raise Unsupported(
                "an axis other than the batch has no fixed length",
                todo="export it with fixed sizes",
            )
        return tuple(size.dim_value for size in sizes[1:])
