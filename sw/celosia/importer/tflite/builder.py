"""The operators of a .tflite file as host steps, layers of a graph and host steps."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any, TypeVar

import numpy as np

from celosia.network.layers import Layer, Shape
from celosia.network.steps import Dequantize, Quantize, Requantize, Softmax
from celosia.numerics.runtime import Runtime
from celosia.quant.tables import FUNCTIONS, element_table
from celosia.support.errors import CelosiaError, Unsupported

from .arithmetic import binary, has_constant
from .check_micro import check_micro
from .elementwise import add, concatenation, mean, pad
from .load import TfliteOperator, TfliteTensor
from .operands import check_shape, map_shape, quant_of
from .partial_graph import PartialGraph, Value
from .reshapes import check_reshape
from .shape_constants import computed, with_constants
from .windows import average_pool, convolution, depthwise, max_pool

__all__ = ["HANDLERS", "Builder"]

_BYTES = ("int8", "uint8")
_ALL_INT8 = np.arange(-128, 128).astype(np.int8)
#: ``make(operator, name, shapes of its inputs)``.
_Make = Callable[[TfliteOperator, str, tuple[Shape, ...]], Layer]


class Builder(PartialGraph):
    """What each operator adds to the graph; its parameters are those of `PartialGraph`."""

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
        value = self.value(op, source)
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
                self.value(op, tensor)
        value = self.value(op, op.source)
        return replace(value, private=value.private and self._uses[op.target.index] == 1)

    def _result(self, op: TfliteOperator) -> Value:
        """The value of the first input, which must be a layer's result."""
        value = self.value(op, op.source)
        if value.number is None:
            raise Unsupported("it is before the first layer", where=str(op))
        return value


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
