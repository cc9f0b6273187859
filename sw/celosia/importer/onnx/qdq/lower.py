"""The int8 graph of a quantized ONNX model.

What is computed between a DequantizeLinear and the next QuantizeLinear becomes one layer, or one
table, of the engine. The reals between them are never rounded, so the integers are the same where
a layer rounds once: dense layers, convolutions, average pools without padding, maximum pools,
borders and concatenations of one scale. Sums of two maps, means and other average pools are
LiteRT's layers, which round twice: some of their results differ by one step.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from celosia.importer.element_tables import with_table
from celosia.importer.onnx.proto import OnnxGraph
from celosia.importer.values import Base, Value
from celosia.importer.values.assemble import input_axes, order_axes
from celosia.importer.values.simplify import simplified
from celosia.network.float_layers import (
    FloatAdd,
    FloatAveragePool,
    FloatConcatenation,
    FloatMaxPool,
    FloatMean,
    FloatPad,
    FloatScale,
)
from celosia.network.functions import Function, X
from celosia.network.graph import Graph
from celosia.network.host_steps import HostSteps
from celosia.network.layers import Concatenation, Layer, Pad
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, QuantizeLinear, Reorder, Requantize
from celosia.numerics.quant import Quant
from celosia.quant.activation import Activation, clamp_of, float_table
from celosia.quant.layers import int8_layer
from celosia.support.errors import Unsupported, located

from .exact_layers import copy, scaled, summed
from .linear import TODO, Grid, Quantized, in_file
from .weights import Scales, weighted

__all__ = ["qdq_network"]

_ROUNDS_TWICE = (FloatAdd, FloatMean, FloatAveragePool)


def qdq_network(graph: OnnxGraph, name: str, end: Value | Quantized, scales: Scales) -> Network:
    """The network of ``end``, the model's result, with its own scales and zero points.

    Parameters
    ----------
    name : of the network.
    scales : of the file's constants.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : an operator, or its position, has no exact form on the engine or the host.
    """
    tail = end if isinstance(end, Quantized) else None
    value = end.value if isinstance(end, Quantized) else end
    plain = replace(value, final="")
    base, f = plain.tensor
    if base.kind is not Grid or f != X:
        raise Unsupported("the model's output is not quantized", where=name, todo=TODO)
    made = _Lowering(scales, base)
    number, quant = made.tensors[base], base.parameters["quant"]
    if number == 0 or not made.layers:
        raise Unsupported("the model has no quantized layer", where=name, todo=TODO)
    if number != len(made.layers):
        raise Unsupported("its output is not its last layer's", where=name)
    layers = tuple(replace(each, name=f"{each.name}_{k}") for k, each in enumerate(made.layers))
    chain = Graph(name, layers, tuple(made.reads), (number,))
    dtype = tail.dtype if tail else "float32"
    host = HostSteps(
        pre=_before(graph, value, chain.input),
        post=_after(value, tail, base, quant, dtype),
        input_shape=graph.input_shape,
        input_dtype="float32",
        output_shape=value.shape or (1,),
        output_dtype=dtype,
    )
    return Network(chain, host, (*value.walk.notes, *made.notes))


def _before(graph: OnnxGraph, value: Value, quant: Quant) -> tuple[Any, ...]:
    axes = input_axes(value.walk, graph.input_shape)
    reorder = (Reorder(graph.input_shape, axes),) if axes else ()
    return (*reorder, QuantizeLinear(quant))


def _after(
    value: Value, tail: Quantized | None, base: Base, quant: Quant, dtype: str
) -> tuple[Any, ...]:
    axes = order_axes(value.order.ravel(), base.shape)
    steps: list[Any] = []
    if tail is None or tail.steps or value.final:
        steps.append(Dequantize(quant))
        if axes:
            steps.append(Reorder(base.shape, axes))
        if value.final:
            steps.append(FloatSoftmax(value.final == "log_softmax"))
        return (*steps, *(tail.steps if tail else ()))
    if axes:
        steps.append(Reorder(base.shape, axes, "int8"))
    if dtype == "uint8":
        steps.append(Requantize(quant, in_file(quant, dtype), "int8", "uint8"))
    return tuple(steps)


class _Lowering:
    """Layers of all that ``end`` needs.

    Attributes
    ----------
    layers, reads : of the graph.
    tensors : the number of every base of kind `Grid`.
    notes : what differs from the file.
    """

    def __init__(self, scales: Scales, end: Base):
        self.layers: list[Layer] = []
        self.reads: list[tuple[int, ...]] = []
        self.tensors: dict[Base, int] = {}
        self.notes: list[str] = []
        self._scales = scales
        self._input: Quant | None = None
        self._readers: dict[Base, int] = {end: 1}
        self._tables: dict[tuple[Base, Function], int] = {}
        order = self._sorted(end)
        for base in order:
            if base.kind is Grid:
                with located(base.sources[0][0].origin or base.origin):
                    self.tensors[base] = self._grid(base)

    def _sorted(self, end: Base) -> list[Base]:
        """All that ``end`` needs, sources first; counts the readers of each on the way."""
        done: dict[Base, None] = {}
        stack = [(end, False)]
        while stack:
            base, ready = stack.pop()
            if ready:
                done[base] = None
            elif base not in done:
                stack.append((base, True))
                for source, _ in reversed(base.sources):
                    stack.append((source, False))
        for base in done:
            for source, _ in base.sources:
                self._readers[source] = self._readers.get(source, 0) + 1
        return list(done)

    def _grid(self, base: Base) -> int:
        """The number of the int8 tensor that is ``base``."""
        made, f = base.sources[0]
        f, quant, clamp = simplified(f), base.parameters["quant"], base.parameters["clamp"]
        if made.kind is None:
            return self._first(made, f, quant, clamp)
        if made.kind is Grid:
            return self._again(made, f, quant, clamp)
        if made.kind is FloatScale:
            merged = self._merged(made)
            if merged is None:
                source, given = self._operand(made.sources[0])
                return self._append(scaled(made, given, quant, f, clamp), (source,))
            made = merged
        if made.linear:
            source, given = self._operand(made.sources[0])
            layer: Layer = weighted(made.kind.kind, made, self._scales, given, quant, f, clamp)  # type: ignore[union-attr]
            return self._append(layer, (source,))
        return self._other(made, f, quant, clamp)

    def _first(self, made: Base, f: Function, quant: Quant, clamp: tuple[int, int]) -> int:
        if f != X:
            raise Unsupported("a function precedes the first QuantizeLinear")
        if self._input not in (None, quant):
            raise Unsupported("the model's input is quantized in two ways")
        self._input = quant
        if clamp == (-128, 127):
            return 0
        return self._append(replace(copy(quant, made.shape), clamp=clamp), (0,))

    def _again(self, made: Base, f: Function, quant: Quant, clamp: tuple[int, int]) -> int:
        """A tensor of the engine on another grid, or after a function."""
        before, number = made.parameters["quant"], self.tensors[made]
        low, high = made.parameters["clamp"]
        if quant == before and f == X and clamp[0] <= low and high <= clamp[1]:
            return number
        table = np.clip(float_table(f, before, quant), *clamp).astype(np.int8)
        return self._table(made, table, quant)

    def _table(self, made: Base, table: np.ndarray, quant: Quant) -> int:
        """Behind the layer of ``made`` if nothing else reads it, else a layer of its own."""
        number = self.tensors[made]
        last = self.layers[number - 1] if number else None
        if (
            last is not None
            and self._readers[made] == 1
            and not isinstance(last, Pad | Concatenation)
        ):
            self.layers[number - 1] = with_table(last, table, quant)
            return number
        same = copy(made.parameters["quant"], made.shape)
        return self._append(with_table(same, table, quant), (number,))

    def _operand(self, source: tuple[Base, Function]) -> tuple[int, Quant]:
        """The number and quantization of the tensor that a layer reads."""
        base, f = source
        if base.kind is not Grid:
            raise Unsupported("its input is not quantized", todo=TODO)
        quant = base.parameters["quant"]
        if f == X:
            return self.tensors[base], quant
        # What only clips to numbers of the grid, such as a ReLU, needs no rounding.
        if not f.limits or (0.0 not in f.limits and f.limits[0] != -np.inf):
            raise Unsupported("its input is not quantized after a function", todo=TODO)
        if source not in self._tables:
            low, high = clamp_of(f, quant)
            table = np.clip(np.arange(-128, 128), low, high).astype(np.int8)
            self._tables[source] = self._table(base, table, quant)
        return self._tables[source], quant

    def _merged(self, scale: Base) -> Base | None:
        """A layer with a bias that the file adds after it rounds the sums; None for others."""
        (middle, f), factors = scale.sources[0], scale.parameters["scale"]
        made, inner = middle.sources[0] if middle.kind is Grid else (middle, X)
        alone = middle.kind is Grid and self._readers[middle] == 1 and made.linear
        if not alone or f != X or inner != X or not (factors == 1).all():
            return None
        number = self.tensors.pop(middle)
        assert number == len(self.layers)
        self.layers.pop()
        self.reads.pop()
        shift = np.broadcast_to(scale.parameters["shift"], made.shape[2])
        folded = made.folded(np.asarray(1.0), shift, middle_budget(scale))
        assert folded is not None
        quant = middle.parameters["quant"]
        low, high = quant.dequantize(np.array([-128, 127])).tolist()
        self.notes.append(
            f"{scale.origin}: the bias is added before the sums are rounded, the file rounds them "
            f"first, and limits them to {low:.4g}..{high:.4g}: results differ by 1 step, and by "
            "more where sums are beyond that"
        )
        return folded

    def _other(self, made: Base, f: Function, quant: Quant, clamp: tuple[int, int]) -> int:
        """A layer without weights."""
        operands = [self._operand(each) for each in made.sources]
        sources = [given for _, given in operands]
        numbers = tuple(number for number, _ in operands)
        assert made.kind is not None
        limits = clamp if f == X or f.limits else (-128, 127)
        if f.limits:
            low, high = clamp_of(f, quant)
            limits = max(low, clamp[0]), max(min(high, clamp[1]), clamp[0])
        elif f != X:
            raise Unsupported(f"{f} follows a layer whose sums have no scale", todo=TODO)
        layer = made.kind(**made.parameters, origin=made.origin)
        if made.kind is FloatAveragePool and not any(made.parameters["padding"]):
            exact = summed(layer, sources[0], quant, limits)
            if exact is not None:
                return self._append(exact, numbers)
        if made.kind in _ROUNDS_TWICE:
            self.notes.append(f"{made.origin}: it rounds twice; some results differ by 1 step")
        if made.kind in (FloatAdd, FloatMean):
            end = Activation(quant, limits)
            return self._append(int8_layer(made.kind.kind, layer, sources, end), numbers)
        if made.kind not in (FloatMaxPool, FloatAveragePool, FloatPad, FloatConcatenation):
            raise Unsupported("this operator is not supported in a quantized model", todo=TODO)
        return self._copied(made, layer, sources, numbers, quant, limits)

    def _copied(
        self,
        made: Base,
        layer: Any,
        sources: list[Quant],
        numbers: tuple[int, ...],
        quant: Quant,
        limits: tuple[int, int],
    ) -> int:
        """A layer whose bytes are those of its inputs: tables before or behind it for the rest."""
        if made.kind is FloatConcatenation:
            inputs = []
            for given, number, (base, _) in zip(sources, numbers, made.sources, strict=True):
                if given != quant:
                    moved = with_table(copy(given, base.shape), float_table(X, given, quant), quant)
                    number = self._append(moved, (number,))
                inputs.append(number)
            numbers, sources = tuple(inputs), [quant] * len(inputs)
        first = int8_layer(made.kind.kind, layer, sources, Activation(sources[0]))  # type: ignore[union-attr]
        if sources[0] == quant:
            return self._append(replace(first, clamp=limits), numbers)
        table = np.clip(float_table(X, sources[0], quant), *limits).astype(np.int8)
        return self._append(with_table(first, table, quant), numbers)

    def _append(self, layer: Layer, reads: tuple[int, ...]) -> int:
        self.layers.append(layer)
        self.reads.append(reads)
        return len(self.layers)


def middle_budget(base: Base) -> Any:
    """Nothing is copied but a bias."""
    from celosia.importer.guard import Budget

    return Budget(base.width + (1 << 20), "its biases are too large")
