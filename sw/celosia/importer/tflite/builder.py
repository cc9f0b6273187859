"""The operators of a .tflite file as host steps, layers of a graph and host steps."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, TypeVar

import numpy as np

from celosia.importer.element_tables import with_table
from celosia.network.layers import Concatenation, Depthwise, Layer, Pad, Shape
from celosia.network.outline import AnyLayer
from celosia.network.steps import Dequantize, Quantize, Requantize, Softmax
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.quant.tables import FUNCTIONS, element_table
from celosia.support.errors import CelosiaError, Unsupported

from .arithmetic import binary, has_constant
from .check_micro import check_micro
from .elementwise import add, concatenation, mean, pad
from .load import TfliteModel, TfliteOperator, TfliteTensor
from .operands import check_shape, map_shape, quant_of
from .reshapes import check_reshape
from .shape_constants import computed, with_constants
from .windows import average_pool, convolution, depthwise, max_pool

__all__ = ["HANDLERS", "Builder", "Value"]

_BYTES = ("int8", "uint8")
_ALL_INT8 = np.arange(-128, 128).astype(np.int8)
#: ``make(operator, name, shapes of its inputs)``.
_Make = Callable[[TfliteOperator, str, tuple[Shape, ...]], Layer]


@dataclass(frozen=True)
class Value:
    """What a tensor of the file is.

    Parameters
    ----------
    number : the graph's tensor; None for the model's input, which may have host steps before it.
    steps : of the host, from the model's input, or from the graph's tensor.
    private : whether nothing else reads the graph's tensor, so that a table may replace its values.
    """

    number: int | None
    steps: tuple[Any, ...] = ()
    private: bool = False


@dataclass
class Builder:
    """The operators so far.

    Parameters
    ----------
    model : the file.
    make_dense : turns a FULLY_CONNECTED, a name and its input's shape into a layer and the number
        of its inexact channels.
    reference : whose bytes the layers give.

    Attributes
    ----------
    values : by the index of the file's tensor.
    layers, reads : of the graph.
    pre : host steps before the engine; None before a layer reads the model's input.
    input_shape : of the graph's input; None while no layer sees it as a map.
    notes : what the user should know.
    tensors : indices of the graph's input and of every layer's result, -1 where the file has none.
    constants : shapes that the file computes, by the index of the tensor.
    """

    model: TfliteModel
    make_dense: Callable[[TfliteOperator, str, Shape], tuple[AnyLayer, int]]
    reference: Runtime = Runtime.LITERT
    values: dict[int, Value] = field(default_factory=dict)
    layers: list[AnyLayer] = field(default_factory=list)
    reads: list[tuple[int, ...]] = field(default_factory=list)
    pre: tuple[Any, ...] | None = None
    input_shape: Shape | None = None
    notes: list[str] = field(default_factory=list)
    tensors: list[int] = field(default_factory=list)
    constants: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        used = [t.index for op in self.model.operators for t in op.inputs if t is not None]
        used += [tensor.index for tensor in self.model.outputs]
        self._uses = Counter(used)
        self._names: set[str] = set()
        #: Layers that copy a tensor through a table: what they read, and the file's tensor.
        self._copies: dict[int, tuple[int, int]] = {}
        self.values |= {tensor.index: Value(None) for tensor in self.model.inputs}
        self.tensors += [tensor.index for tensor in self.model.inputs[:1]]

    def unread(self, op: TfliteOperator) -> str:
        """What is wrong with ``op`` if nothing reads one of its results, else ""."""
        for tensor in op.outputs:
            if not self._uses[tensor.index]:
                return f"nothing reads its result, {tensor}"
        return ""

    def add(self, op: TfliteOperator) -> None:
        """Append ``op``.

        Raises
        ------
        CelosiaError, Unsupported : naming ``op``.
        """
        where = str(op)
        for tensor in op.outputs:
            known = tensor.index in self.values or tensor.index in self.constants
            if known or tensor.data is not None:
                raise CelosiaError(f"{tensor} has a value before it is computed", where=where)
        op = with_constants(op, self.constants)
        shape = computed(op)
        if shape is not None:
            self.constants[op.target.index] = shape
            return
        handler = HANDLERS.get(op.code)
        if handler is None:
            raise Unsupported("this operator is not supported", where=where)
        least, most = _INPUTS.get(op.code, (1, 1))
        if not least <= len(op.inputs) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise CelosiaError(f"{len(op.inputs)} inputs, not {wanted}", where=where)
        if len(op.outputs) != 1:
            raise CelosiaError(f"{len(op.outputs)} outputs, not 1", where=where)
        op.check_options()
        if self.reference == Runtime.TFLM:
            check_micro(op)
        self.values[op.target.index] = handler(self, op)

    def append(
        self,
        op: TfliteOperator,
        layer: AnyLayer,
        reads: tuple[int, ...],
        inner: bool = False,
    ) -> Value:
        """Append ``layer``, whose result is the target of ``op``; an ``inner`` one's is not."""
        self._names.add(layer.name)
        self.layers.append(layer)
        self.reads.append(reads)
        self.tensors.append(-1 if inner else op.target.index)
        return Value(len(self.layers), private=self._uses[op.target.index] == 1)

    def name(self, op: TfliteOperator) -> str:
        # Of operators that the converter fused it joined the names.
        name = op.target.name.split(";")[0]
        return name if name and name not in self._names else f"{name or op.code.lower()}#{op.index}"

    # Values of tensors.

    def _value(self, op: TfliteOperator, tensor: TfliteTensor | None) -> Value:
        if tensor is None:
            raise CelosiaError("an input is left out", where=str(op))
        if tensor.index in self.values:
            return self.values[tensor.index]
        if tensor.data is not None:
            raise Unsupported(f"its input {tensor} is a constant", where=str(op))
        raise CelosiaError(f"its input {tensor} is not computed before it", where=str(op))

    def read(self, op: TfliteOperator, tensor: TfliteTensor | None) -> int:
        """The graph's tensor, read by a layer."""
        value = self._value(op, tensor)
        if value.number is not None:
            if value.steps:
                raise Unsupported("it follows an operator that runs on the host", where=str(op))
            return value.number
        if self.pre is None and tensor is not None:
            self.pre, self.tensors[0] = value.steps, tensor.index
        if value.steps != self.pre:
            raise Unsupported(
                f"{tensor} is another form of the model's input than layers before it read",
                where=str(op),
            )
        return 0

    def shape(self, number: int, wanted: Shape) -> Shape:
        """The graph's tensor ``number`` as ``wanted`` if no value moves, else as it is."""
        if number == 0 and self.input_shape is None:
            self.input_shape = wanted
        own = self.layers[number - 1].output_shape if number else self.input_shape
        assert own is not None
        regrouped = own[2] != wanted[2] or own[0] * own[1] != wanted[0] * wanted[1]
        return own if regrouped else wanted

    # One handler for each kind of operator.

    def dense(self, op: TfliteOperator) -> Value:
        number = self.read(op, op.source)
        shape = (1, 1, prod(op.source.shape))
        if number:
            shape = self.layers[number - 1].output_shape
        layer, inexact = self.make_dense(op, self.name(op), shape)
        if inexact:
            self.notes.append(
                f"{op}: {inexact} of {layer.outputs} channels have scales so small that single "
                "sums next to a tie may round to the neighbouring value"
            )
        return self.append(op, layer, (number,))

    def one_map(self, op: TfliteOperator) -> Value:
        return self._maps(op, op.inputs[:1])

    def all_maps(self, op: TfliteOperator) -> Value:
        return self._maps(op, op.inputs)

    def add_maps(self, op: TfliteOperator) -> Value:
        return binary(self, op) if has_constant(op) else self._maps(op, op.inputs)

    def arithmetic(self, op: TfliteOperator) -> Value:
        return binary(self, op)

    def _maps(self, op: TfliteOperator, sources: tuple[TfliteTensor | None, ...]) -> Value:
        where = str(op)
        numbers = tuple(self.read(op, tensor) for tensor in sources)
        wanted = tuple(map_shape(t, where) for t in sources if t is not None)
        shapes = tuple(self.shape(n, w) for n, w in zip(numbers, wanted, strict=True))
        # Values of an addition may be regrouped if they are so in both operands.
        if shapes != wanted and not (op.code == "ADD" and len(set(shapes)) == 1):
            at = next(i for i in range(len(shapes)) if shapes[i] != wanted[i])
            raise Unsupported(
                f"its input {sources[at]} has the values of {list(shapes[at])} regrouped as "
                f"{list(wanted[at])}",
                where=where,
            )
        layer = _named(where, lambda: _LAYERS[op.code](op, self.name(op), shapes))
        shape = wanted[0] if op.code == "ADD" else layer.output_shape
        if map_shape(op.target, where) != shape:
            raise CelosiaError(
                f"output of shape {list(op.target.shape)} is not {[1, *shape]}", where=where
            )
        return self.append(op, layer, numbers)

    def activation(self, op: TfliteOperator) -> Value:
        check_shape(op, op.source.shape)
        source, output = quant_of(op.source, str(op)), quant_of(op.target, str(op))
        table = _named(
            str(op),
            lambda: element_table(op.code, source, output, self.reference, **_parameters(op)),
        )
        return self.table(op, op.source, table, output)

    def quantize(self, op: TfliteOperator) -> Value:
        check_shape(op, op.source.shape)
        source, target, where = op.source, op.target, str(op)
        value = self._value(op, source)
        if source.dtype == "float32":
            if value.number is not None:
                raise Unsupported("its input is a layer's result in float32", where=where)
            step: Any = Quantize(quant_of(target, where, _BYTES), target.dtype)
            return replace(value, steps=(*value.steps, step))
        before, output = quant_of(source, where, _BYTES), quant_of(target, where, _BYTES)
        step = _named(where, lambda: Requantize(before, output, source.dtype, target.dtype))
        # Of the model's input on the host, unless layers read it without the step, too.
        on_engine = not value.steps if value.number else self._uses[source.index] > 1
        if on_engine and source.dtype == target.dtype == "int8":
            return self.table(op, source, step(_ALL_INT8), output)
        return replace(value, steps=(*value.steps, step))

    def dequantize(self, op: TfliteOperator) -> Value:
        check_shape(op, op.source.shape)
        value, where = self._result(op), str(op)
        if op.target.dtype != "float32":
            raise CelosiaError(f"{op.target} is {op.target.dtype}, not float32", where=where)
        step = Dequantize(quant_of(op.source, where, _BYTES), op.source.dtype)
        return replace(value, steps=(*value.steps, step))

    def softmax(self, op: TfliteOperator) -> Value:
        check_shape(op, op.source.shape)
        value, where = self._result(op), str(op)
        source, target = op.source, op.target
        entry, output = quant_of(source, where), quant_of(target, where)
        # As LiteRT tests it in SoftmaxPrepare.
        if output.zero_point != -128 or abs(output.scale * 256 - 1) > 0.001:
            raise CelosiaError(
                f"output scale {output.scale:g}, zero point {output.zero_point} are not 1/256, "
                "-128",
                where=where,
            )
        if not source.shape or source.shape[-1] != prod(source.shape):
            raise Unsupported(f"input of shape {list(source.shape)} is not a vector", where=where)
        step = _named(where, lambda: Softmax(entry, float(op.option("beta"))))
        return replace(value, steps=(*value.steps, step))

    def reshape(self, op: TfliteOperator) -> Value:
        check_reshape(op)
        for tensor in op.inputs[1:]:
            if tensor is None or tensor.data is None:
                self._value(op, tensor)
        value = self._value(op, op.source)
        return replace(value, private=value.private and self._uses[op.target.index] == 1)

    def _result(self, op: TfliteOperator) -> Value:
        """The value of the first input, which must be a layer's result."""
        value = self._value(op, op.source)
        if value.number is None:
            raise Unsupported("it is before the first layer", where=str(op))
        return value

    def table(
        self, op: TfliteOperator, tensor: TfliteTensor, table: np.ndarray, output: Quant
    ) -> Value:
        """A table of ``tensor``: behind its layer if nothing else reads it, else a layer."""
        value, number = self._value(op, tensor), self.read(op, tensor)
        if value.private and self._behind(op, number, table, output):
            return Value(number, private=self._uses[op.target.index] == 1)
        shape = self.shape(number, map_shape(tensor, str(op)))
        copy = _copy(self.name(op), quant_of(tensor, str(op)), shape)
        made = self.append(op, with_table(copy, table, output), (number,))
        self._copies[len(self.layers)] = number, tensor.index
        return made

    def _behind(self, op: TfliteOperator, number: int, table: np.ndarray, output: Quant) -> bool:
        """Put a table behind layer ``number``, where that is possible."""
        layer = self.layers[number - 1] if number else None
        if layer is None or isinstance(layer, (Pad, Concatenation)):
            return False
        self.layers[number - 1] = with_table(layer, table, output)
        self.tensors[number] = op.target.index
        return True

    def functions_of_one(
        self, op: TfliteOperator, one: TfliteTensor, other: TfliteTensor
    ) -> tuple[int, np.ndarray, np.ndarray] | None:
        """The graph's tensor that both are functions of, and int64 [256] of each; None if none."""
        found = []
        for tensor in (one, other):
            number = self.read(op, tensor)
            if number in self._copies:
                layer = self.layers[number - 1]
                table = _ALL_INT8 if layer.table is None else layer.table
                clipped = np.clip(_ALL_INT8, *layer.clamp).astype(np.int64)
                choices = {number: _ALL_INT8, self._copies[number][0]: table[clipped + 128]}
            else:
                choices = {number: _ALL_INT8}
            found.append(choices)
        # The tensor itself, or else what it is copied from.
        for source in sorted(found[0].keys() & found[1].keys(), reverse=True):
            return source, found[0][source].astype(np.int64), found[1][source].astype(np.int64)
        return None

    def function(self, op: TfliteOperator, source: int, table: np.ndarray, output: Quant) -> Value:
        """``table`` of the graph's tensor ``source``, in place of the copies that ``op`` read."""
        of_source, readers = self.tensors[source], 0
        operands = {self.read(op, each): each for each in op.inputs if each is not None}
        for number, tensor in sorted(operands.items(), reverse=True):
            if number == source:
                readers += op.inputs.count(tensor) if tensor.index == of_source else 0
            elif self._uses[tensor.index] == op.inputs.count(tensor):
                readers += self._copies[number][1] == of_source
                self._remove(number)
        alone = 0 <= of_source and readers == self._uses[of_source]
        if alone and self._behind(op, source, table, output):
            return Value(source, private=self._uses[op.target.index] == 1)
        quant, shape = quant_of(self._source(op, source), str(op)), map_shape(op.target, str(op))
        copy = _copy(self.name(op), quant, self.shape(source, shape))
        made = self.append(op, with_table(copy, table, output), (source,))
        self._copies[len(self.layers)] = source, of_source
        return made

    def _remove(self, number: int) -> None:
        """Remove a copy that nothing reads any more; tensors behind it are renumbered."""
        for each in (self.layers, self.reads):
            each.pop(number - 1)
        self.tensors.pop(number)

        def renumbered(other: int) -> int:
            return other - (other > number)

        self.reads[:] = [tuple(map(renumbered, each)) for each in self.reads]
        for index, value in self.values.items():
            if value.number:
                self.values[index] = replace(value, number=renumbered(value.number))
        self._copies = {
            renumbered(copy): (renumbered(source), tensor)
            for copy, (source, tensor) in self._copies.items()
            if copy != number
        }

    def _source(self, op: TfliteOperator, number: int) -> TfliteTensor:
        """A tensor of the file that is the graph's ``number``."""
        index = self.tensors[number]
        tensors = [each for op in self.model.operators for each in (*op.inputs, *op.outputs)]
        return next(each for each in tensors if each is not None and each.index == index)


def _copy(name: str, quant: Quant, shape: Shape) -> Depthwise:
    """A layer that changes nothing: one tap of weight 1, times 2**30 / 2**31 * 2**1."""
    n = shape[2]
    return Depthwise(
        name,
        np.ones((1, 1, n), np.int8),
        np.zeros(n, np.int32),
        quant,
        np.full(n, 1 << 30, np.int64),
        np.ones(n, np.int64),
        quant,
        shape,
        shape[:2],
    )


_Made = TypeVar("_Made")


def _named(where: str, make: Callable[[], _Made]) -> _Made:
    """``make()``; when it is not supported, the error names the operator alone."""
    try:
        return make()
    except CelosiaError as error:
        raise type(error)(error.what, where=where, todo=error.todo) from error


def _parameters(op: TfliteOperator) -> dict[str, float]:
    """The options of an activation."""
    if op.options is None:
        return {}
    if op.code == "LEAKY_RELU":
        return {"alpha": op.option("alpha")}
    if op.code == "GELU":
        return {"approximate": bool(op.option("approximate"))}
    return {}


#: Operators with other than one input: least and most.
_INPUTS = {
    "FULLY_CONNECTED": (2, 3),
    "CONV_2D": (2, 3),
    "DEPTHWISE_CONV_2D": (2, 3),
    "ADD": (2, 2),
    "MUL": (2, 2),
    "SUB": (2, 2),
    "MEAN": (1, 2),
    "PAD": (1, 2),
    "EXPAND_DIMS": (1, 2),
    "RESHAPE": (1, 2),
    "CONCATENATION": (1, 65536),
}

_LAYERS: dict[str, _Make] = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "AVERAGE_POOL_2D": average_pool,
    "MAX_POOL_2D": max_pool,
    "MEAN": mean,
    "PAD": pad,
    "ADD": add,
    "CONCATENATION": concatenation,
}

#: Operator -> handler. The documentation's list of operators is generated from this.
HANDLERS: Mapping[str, Callable[[Builder, TfliteOperator], Value]] = (
    {
        "FULLY_CONNECTED": Builder.dense,
        "ADD": Builder.add_maps,
        "CONCATENATION": Builder.all_maps,
        "QUANTIZE": Builder.quantize,
        "DEQUANTIZE": Builder.dequantize,
        "SOFTMAX": Builder.softmax,
        "RESHAPE": Builder.reshape,
        "SQUEEZE": Builder.reshape,
        "EXPAND_DIMS": Builder.reshape,
        "MUL": Builder.arithmetic,
        "SUB": Builder.arithmetic,
    }
    | {name: Builder.one_map for name in _LAYERS if name not in ("ADD", "CONCATENATION")}
    | {name: Builder.activation for name in FUNCTIONS}
)
