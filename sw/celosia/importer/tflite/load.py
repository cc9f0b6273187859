"""A .tflite file as tensors and operators, whether they are supported or not."""

from dataclasses import dataclass
from enum import IntEnum
from math import prod
from typing import Any

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported

from .builtin import builtin_name
from .flatbuffer import Bytes, Table, root
from .options import OPTIONS, check_options
from .schema import (
    FILE_IDENTIFIER,
    OPTIONS_TYPES,
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
_MAX_OPERATORS = 4096  # the number of descriptors of the largest program memory


@dataclass(frozen=True, eq=False)
class TfliteTensor:
    """One tensor.

    Parameters
    ----------
    index : position in the file's list of tensors.
    name : may be empty or repeated.
    shape : every axis at least 0; () for a scalar or an unknown shape.
    dtype : a `Type`'s name in lower case, such as "int8".
    scales : float32 [1] or [channels]; None without quantization.
    zero_points : int64, as many as ``scales``; None without quantization.
    axis : that of the channels, when there are several scales.
    data : values of a constant in ``shape``, read-only; None for a tensor computed at run time.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: np.ndarray | None
    zero_points: np.ndarray | None
    axis: int
    data: np.ndarray | None

    @property
    def values(self) -> np.ndarray:
        """`data` of a tensor that must be constant."""
        if self.data is None:
            raise CelosiaError("it is not a constant", where=str(self))
        return self.data

    def __str__(self) -> str:
        return f"tensor {self.index} ({self.name!r})" if self.name else f"tensor {self.index}"


@dataclass(frozen=True, eq=False)
class TfliteOperator:
    """One operator.

    Parameters
    ----------
    index : position in the order of execution.
    code : its name in the schema.
    inputs : its tensors; None for an input that is left out.
    outputs : its tensors.
    options : its table, or None.
    strange : what else the file says of it that is not read; "" for nothing.
    """

    index: int
    code: str
    inputs: tuple[TfliteTensor | None, ...]
    outputs: tuple[TfliteTensor, ...]
    options: Table | None
    strange: str = ""

    def option(self, name: str) -> Any:
        """The option of this name of the schema; its default where it is absent."""
        known = OPTIONS[self.code]
        number = next(index for index, each in enumerate(known) if each.name == name)
        if self.options is None:
            return None if known[number].form.startswith("[") else known[number].default
        return known[number].of(self.options, number)

    def check_options(self) -> None:
        """Check that nothing of a supported operator is ignored.

        Raises
        ------
        Unsupported : an option is not known or not supported with its value.
        """
        if self.strange:
            raise Unsupported(self.strange, where=str(self))
        check_options(self.code, self.options, str(self))

    @property
    def source(self) -> TfliteTensor:
        """The first input."""
        if not self.inputs or self.inputs[0] is None:
            raise CelosiaError("it has no first input", where=str(self))
        return self.inputs[0]

    @property
    def target(self) -> TfliteTensor:
        """The first output."""
        if not self.outputs:
            raise CelosiaError("it has no output", where=str(self))
        return self.outputs[0]

    def __str__(self) -> str:
        return f"operator {self.index} ({self.code})"


@dataclass(frozen=True, eq=False)
class TfliteModel:
    """The main subgraph: operators in the order of execution, input and output tensors."""

    operators: tuple[TfliteOperator, ...]
    inputs: tuple[TfliteTensor, ...]
    outputs: tuple[TfliteTensor, ...]


def load(data: Bytes) -> TfliteModel:
    """The model in the bytes of a .tflite file. Nothing in it is executed.

    Raises
    ------
    CelosiaError : the file is damaged, cut short, or not a .tflite file.
    Unsupported : the file has several subgraphs, data outside of the flatbuffer, or a constant or
        quantization of a form that is not read.
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
    _refuse_unknown(table, Tensor, where)
    sizes = table.array(Tensor.SHAPE, "i4")
    if sizes is not None and len(sizes) > _MAX_RANK:
        raise CelosiaError(f"{len(sizes)} axes are more than {_MAX_RANK}", where=where)
    shape: tuple[int, ...] = () if sizes is None else tuple(sizes.tolist())
    if min(shape, default=0) < 0 or prod(shape) > _MAX_ELEMENTS:
        raise CelosiaError(f"shape {list(shape)} is not possible", where=where)
    number = table.scalar(Tensor.TYPE, "b")
    if number not in Type.__members__.values():
        raise Unsupported(f"type {number} is unknown", where=where)
    kind = Type(number)
    scales, zero_points, axis = _quantization(table.table(Tensor.QUANTIZATION), len(shape), where)
    data = _data(table, kind, shape, buffers, where)
    if data is not None and table.scalar(Tensor.IS_VARIABLE, "B"):
        raise CelosiaError("a variable with a value, which LiteRT refuses", where=where)
    return TfliteTensor(index, name, shape, kind.name.lower(), scales, zero_points, axis, data)


def _refuse_unknown(table: Table, known: type[IntEnum], where: str) -> None:
    if (last := max(table.fields(), default=0)) > max(known):
        raise Unsupported(f"field {last} of its {known.__name__.lower()} is not known", where=where)


def _quantization(
    table: Table | None, rank: int, where: str
) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """Scales, zero points and axis, as in `TfliteTensor`."""
    scales = None if table is None else table.array(Quantization.SCALE, "f4")
    if table is None or scales is None or not len(scales):
        return None, None, 0
    _refuse_unknown(table, Quantization, where)
    if table.scalar(Quantization.DETAILS_TYPE, "B"):
        raise Unsupported("its quantization is not affine", where=where)
    bad = ~(np.isfinite(scales) & (scales > 0))
    if bad.any():
        channel = f", channel {int(bad.argmax())}" if len(scales) > 1 else ""
        raise CelosiaError(
            f"scale {scales[bad][0]:g} is not a positive number", where=f"{where}{channel}"
        )
    zero_points = table.array(Quantization.ZERO_POINT, "i8")
    count = 0 if zero_points is None else len(zero_points)
    if count != len(scales):
        raise CelosiaError(f"{len(scales)} scales but {count} zero points", where=where)
    axis = table.scalar(Quantization.DIMENSION, "i")
    if not 0 <= axis < max(rank, 1):
        raise CelosiaError(f"scales along axis {axis} of {rank}", where=where)
    return scales, zero_points, axis


def _data(
    table: Table, kind: Type, shape: tuple[int, ...], buffers: list[Table], where: str
) -> np.ndarray | None:
    index = table.scalar(Tensor.BUFFER, "I")
    if index >= max(len(buffers), 1):
        raise CelosiaError(f"buffer {index} of {len(buffers)} does not exist", where=where)
    if not buffers:
        return None
    buffer = buffers[index]
    if buffer.scalar(Buffer.OFFSET, "Q") > 1 or table.scalar(Tensor.EXTERNAL_BUFFER, "I"):
        raise Unsupported("its data are outside of the flatbuffer", where=where)
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
    kind = table.scalar(Operator.OPTIONS_TYPE, "B")
    options = table.table(Operator.OPTIONS) if kind else None
    wanted = OPTIONS_TYPES.get(codes[code], kind)
    if options is not None and kind != wanted:
        raise CelosiaError(
            f"its options are of type {kind}, those of this operator {wanted}", where=where
        )
    inputs = table.array(Operator.INPUTS, "i4")
    outputs = table.array(Operator.OUTPUTS, "i4")
    return TfliteOperator(
        index,
        codes[code],
        _pick(inputs, tensors, f"{where}, inputs", optional=True),
        _pick(outputs, tensors, f"{where}, outputs"),
        options,
        _strange(table),
    )


def _strange(table: Table) -> str:
    """What an operator has beside its inputs, outputs and options."""
    for number in table.fields():
        if number > Operator.DEBUG_METADATA:
            return f"field {number} of the operator is not known"
        if number == Operator.OPTIONS_2_TYPE and table.scalar(number, "B"):
            return f"options of type {table.scalar(number, 'B')} of the second kind are not known"
        if number in (Operator.MUTATING, Operator.INTERMEDIATES):
            values = table.array(number, "u1" if number == Operator.MUTATING else "i4")
            if values is not None and values.any():
                return f"{Operator(number).name.lower()} tensors are not supported"
    return ""


def _pick(
    indices: np.ndarray | None, tensors: list[TfliteTensor], where: str, *, optional: bool = False
) -> tuple[Any, ...]:
    """The tensors at ``indices``; with ``optional``, None for index -1."""
    picked: list[TfliteTensor | None] = []
    for index in [] if indices is None else indices.tolist():
        if index == -1 and optional:
            picked.append(None)
        elif 0 <= index < len(tensors):
            picked.append(tensors[index])
        else:
            raise CelosiaError(f"tensor {index} of {len(tensors)} does not exist", where=where)
    return tuple(picked)
