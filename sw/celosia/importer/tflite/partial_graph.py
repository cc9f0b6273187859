"""The graph that the operators of an int8 file become, while they are read."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from celosia.importer.element_tables import with_table
from celosia.network.layers import Concatenation, Depthwise, Pad, Shape
from celosia.network.outline import AnyLayer
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteModel, TfliteOperator, TfliteTensor
from .operands import map_shape, quant_of

__all__ = ["PartialGraph", "Value"]

_ALL_INT8 = np.arange(-128, 128).astype(np.int8)


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
class PartialGraph:
    """The graph of the operators so far.

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

    def value(self, op: TfliteOperator, tensor: TfliteTensor | None) -> Value:
        if tensor is None:
            raise CelosiaError("an input is left out", where=str(op))
        if tensor.index in self.values:
            return self.values[tensor.index]
        if tensor.data is not None:
            raise Unsupported(f"its input {tensor} is a constant", where=str(op))
        raise CelosiaError(f"its input {tensor} is not computed before it", where=str(op))

    def read(self, op: TfliteOperator, tensor: TfliteTensor | None) -> int:
        """The graph's tensor, read by a layer."""
        value = self.value(op, tensor)
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

    # Functions of single bytes.

    def table(
        self, op: TfliteOperator, tensor: TfliteTensor, table: np.ndarray, output: Quant
    ) -> Value:
        """A table of ``tensor``: behind its layer if nothing else reads it, else a layer."""
        value, number = self.value(op, tensor), self.read(op, tensor)
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
