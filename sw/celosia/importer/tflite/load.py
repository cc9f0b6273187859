"""A .tflite file as tensors and operators, without judging yet what Celosia can run."""

from dataclasses import dataclass
from math import prod

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported

from .builtin import builtin_name
from .flatbuffer import Table, root
from .schema import (
    FILE_IDENTIFIER,
    Buffer,
    Code,
    Model,
    Operator,
    Quantization,
    Subgraph,
    Tensor,
    Type,
)

__all__ = ["TfliteModel", "TfliteOperator", "TfliteTensor", "load"]

_MAX_RANK = 8
_MAX_ELEMENTS = 1 << 31
_MAX_OPERATORS = 4096  # as many as the largest program memory has descriptors


@dataclass(frozen=True, eq=False)
class TfliteTensor:
    """One tensor.

    Parameters
    ----------
    index, name : position in the file's list and name; the name may be empty or repeated.
    shape : every axis at least 0; () for a scalar or an unknown shape.
    dtype : a `Type`'s name in lower case, such as "int8".
    scales : float32 [1] or [channels], or None without quantization.
    zero_points : int64, as long as `scales`.
    axis : the axis `scales` runs along when there is more than one.
    data : the constant's values in `shape`, read-only; None for a tensor computed at run time.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: np.ndarray | None
    zero_points: np.ndarray | None
    axis: int
    data: np.ndarray | None

    def __str__(self) -> str:
        return f"tensor {self.index} ({self.name!r})" if self.name else f"tensor {self.index}"


@dataclass(frozen=True, eq=False)
class TfliteOperator:
    """One operator: ``code`` is the schema's name of it, ``options`` its table or None.

    ``inputs`` and ``outputs`` are tensors; an input that is left out is None.
    """

    index: int
    code: str
    inputs: tuple[TfliteTensor | None, ...]
    outputs: tuple[TfliteTensor, ...]
    options: Table | None

    def __str__(self) -> str:
        return f"operator {self.index} ({self.code})"


@dataclass(frozen=True, eq=False)
class TfliteModel:
    """The main subgraph: operators in order of execution, and what goes in and out."""

    operators: tuple[TfliteOperator, ...]
    inputs: tuple[TfliteTensor, ...]
    outputs: tuple[TfliteTensor, ...]


def load(data: bytes) -> TfliteModel:
    """Read the bytes of a .tflite file; nothing in it is executed.

    Raises
    ------
    CelosiaError : the file is damaged, cut short or no .tflite file. Unsupported : more than one
        subgraph, or data outside the flatbuffer.
    """
    model = root(data, FILE_IDENTIFIER)
    version = model.scalar(Model.VERSION, "I")
    if version != 3:
        raise CelosiaError(f"schema version {version} is not 3")
    subgraphs = model.tables(Model.SUBGRAPHS)
    if len(subgraphs) != 1:
        raise Unsupported(
            f"the file has {len(subgraphs)} subgraphs, not 1",
            todo="convert the model without control flow",
        )
    graph = subgraphs[0]
    buffers = model.tables(Model.BUFFERS)
    tensors = [
        _tensor(index, table, buffers) for index, table in enumerate(graph.tables(Subgraph.TENSORS))
    ]
    codes = [_code(table) for table in model.tables(Model.OPERATOR_CODES)]
    operators = tuple(
        _operator(index, table, codes, tensors)
        for index, table in enumerate(graph.tables(Subgraph.OPERATORS, _MAX_OPERATORS))
    )
    return TfliteModel(
        operators,
        _pick(graph.array(Subgraph.INPUTS, "i4"), tensors, "the model's inputs"),
        _pick(graph.array(Subgraph.OUTPUTS, "i4"), tensors, "the model's outputs"),
    )


def _tensor(index: int, table: Table, buffers: list[Table]) -> TfliteTensor:
    name = table.text(Tensor.NAME)
    where = f"tensor {index} ({name!r})"
    shape = table.array(Tensor.SHAPE, "i4")
    if shape is not None and len(shape) > _MAX_RANK:
        raise CelosiaError(f"{len(shape)} axes are more than {_MAX_RANK}", where=where)
    shape = () if shape is None else tuple(shape.tolist())
    if min(shape, default=0) < 0 or prod(shape) > _MAX_ELEMENTS:
        raise CelosiaError(f"shape {list(shape)} is not possible", where=where)
    number = table.scalar(Tensor.TYPE, "b")
    if number not in Type.__members__.values():
        raise Unsupported(f"type {number} is unknown", where=where)
    kind = Type(number)
    scales, zero_points, axis = _quantization(table.table(Tensor.QUANTIZATION), where)
    data = _data(table, kind, shape, buffers, where)
    return TfliteTensor(index, name, shape, kind.name.lower(), scales, zero_points, axis, data)


def _quantization(table: Table | None, where: str):
    scales = None if table is None else table.array(Quantization.SCALE, "f4")
    if scales is None or not len(scales):
        return None, None, 0
    if table.scalar(Quantization.DETAILS_TYPE, "B"):
        raise Unsupported("its quantization is not affine", where=where)
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise CelosiaError("a scale is not a positive number", where=where)
    zero_points = table.array(Quantization.ZERO_POINT, "i8")
    if zero_points is None or not len(zero_points):
        zero_points = np.zeros(len(scales), np.int64)
    if len(zero_points) != len(scales):
        raise CelosiaError(f"{len(scales)} scales but {len(zero_points)} zero points", where=where)
    return scales, zero_points, table.scalar(Quantization.DIMENSION, "i")


def _data(
    table: Table, kind: Type, shape: tuple[int, ...], buffers: list[Table], where: str
) -> np.ndarray | None:
    index = table.scalar(Tensor.BUFFER, "I")
    if index >= max(len(buffers), 1):
        raise CelosiaError(f"buffer {index} of {len(buffers)} does not exist", where=where)
    if not buffers:
        return None
    buffer = buffers[index]
    if buffer.scalar(Buffer.OFFSET, "Q") > 1:
        raise Unsupported("its data lies outside the flatbuffer", where=where)
    raw = buffer.array(Buffer.DATA, "u1")
    if raw is None or not len(raw):
        return None
    if kind.dtype is None:
        raise Unsupported(f"constants of type {kind.name.lower()} are not read", where=where)
    if table.table(Tensor.SPARSITY) is not None:
        raise Unsupported("sparse constants are not read", where=where)
    item = np.dtype(kind.dtype).newbyteorder("<")
    if prod(shape) * item.itemsize != len(raw):
        raise CelosiaError(
            f"{len(raw)} bytes do not fill {kind.name.lower()} {list(shape)}", where=where
        )
    return raw.view(item).reshape(shape)


def _code(table: Table) -> str:
    old, new = table.scalar(Code.DEPRECATED_BUILTIN, "b"), table.scalar(Code.BUILTIN, "i")
    name = builtin_name(max(old, new))
    return f"custom {table.text(Code.CUSTOM)!r}" if name == "CUSTOM" else name


def _operator(
    index: int, table: Table, codes: list[str], tensors: list[TfliteTensor]
) -> TfliteOperator:
    code = table.scalar(Operator.OPCODE_INDEX, "I")
    if code >= len(codes):
        raise CelosiaError(f"operator code {code} of {len(codes)}", where=f"operator {index}")
    where = f"operator {index} ({codes[code]})"
    inputs = table.array(Operator.INPUTS, "i4")
    outputs = table.array(Operator.OUTPUTS, "i4")
    return TfliteOperator(
        index,
        codes[code],
        _pick(inputs, tensors, f"{where}, inputs", optional=True),
        _pick(outputs, tensors, f"{where}, outputs"),
        table.table(Operator.OPTIONS),
    )


def _pick(indices: np.ndarray | None, tensors: list, where: str, *, optional: bool = False):
    picked = []
    for index in [] if indices is None else indices.tolist():
        if index == -1 and optional:
            picked.append(None)
        elif 0 <= index < len(tensors):
            picked.append(tensors[index])
        else:
            raise CelosiaError(f"tensor {index} of {len(tensors)} does not exist", where=where)
    return tuple(picked)
