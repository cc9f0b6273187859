"""A chain of TFLite operators as host steps, engine layers and host steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Generic, TypeVar

import numpy as np

from celosia.network.graph import Dense, Graph
from celosia.network.host_steps import HostSteps
from celosia.network.network import Network
from celosia.network.steps import Dequantize, Quantize, Requantize, Softmax
from celosia.numerics.quant import Quant
from celosia.quant.tables import FUNCTIONS, element_table
from celosia.support.errors import CelosiaError, Unsupported

from .dense import Layer, dense, quant_of, with_table
from .load import TfliteModel, TfliteOperator, TfliteTensor, load

__all__ = ["HANDLERS", "Chain", "one_image", "tflite_network"]

_BYTES = ("int8", "uint8")
_ALL_INT8 = np.arange(-128, 128).astype(np.int8)


def tflite_network(data: bytes, name: str = "model") -> Network:
    """The bytes of a ``.tflite`` file as a network that computes the same bytes as LiteRT.

    FULLY_CONNECTED becomes a layer. An activation or a QUANTIZE after it becomes the layer's
    element table, or only its clamp where that is enough. RESHAPE, SQUEEZE and EXPAND_DIMS move no
    data and are dropped. QUANTIZE before the first layer, and SOFTMAX, QUANTIZE to uint8 and
    DEQUANTIZE after the last one, run on the host.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    Unsupported : an operator, or a form of it, is not supported; the error gives its index.
    """
    model = load(data)
    for what, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        if len(tensors) != 1:
            raise Unsupported(f"the model has {len(tensors)} {what}, not 1")
    chain = Chain(model.inputs[0], dense)
    for op in model.operators:
        chain.add(op)
    return chain.network(model, name)


@dataclass
class Chain(Generic[Layer]):
    """The operators so far as host steps, layers and host steps.

    Parameters
    ----------
    current : the tensor that the next operator must take.
    make : turns a FULLY_CONNECTED and a name into a layer and the number of its inexact channels.
    pre, layers, post : host steps, layers of the engine, host steps.
    notes : what the user should know.
    tensors : indices of the first layer's input and of every layer's result.
    """

    current: TfliteTensor
    make: Callable[[TfliteOperator, str], tuple[Layer, int]]
    pre: list[Any] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    post: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tensors: list[int] = field(default_factory=list)

    def add(self, op: TfliteOperator) -> None:
        """Append ``op``.

        Raises
        ------
        CelosiaError, Unsupported : naming ``op``.
        """
        handler = HANDLERS.get(op.code)
        if handler is None:
            raise Unsupported("this operator is not supported", where=str(op))
        if not op.inputs or len(op.outputs) != 1:
            raise CelosiaError(
                f"{len(op.inputs)} inputs and {len(op.outputs)} outputs", where=str(op)
            )
        if op.inputs[0] is not self.current:
            raise Unsupported(
                f"its input is {op.inputs[0]}, not {self.current}, the result before it",
                where=str(op),
                todo="only chains of operators run",
            )
        handler(self, op)
        self.current = op.outputs[0]

    def network(self: "Chain[Dense]", model: TfliteModel, name: str) -> Network:
        """The network of all operators of ``model``."""
        if self.current is not model.outputs[0]:
            raise Unsupported(
                f"the model's output is {model.outputs[0]}, not {self.current}, the last result"
            )
        graph = Graph(name, tuple(self.layers))
        first, last = model.inputs[0], self.current
        host = HostSteps(
            pre=tuple(self.pre),
            post=tuple(self.post),
            input_shape=one_image(first),
            input_dtype=first.dtype,
            output_shape=one_image(last),
            output_dtype=last.dtype,
        )
        return Network(graph, host, tuple(self.notes), tuple(self.tensors))

    def dense(self, op: TfliteOperator) -> None:
        self._on_engine(op)
        name = op.target.name
        if not name or any(layer.name == name for layer in self.layers):
            name = f"{name or op.code.lower()}#{op.index}"
        layer, inexact = self.make(op, name)
        if not self.layers:
            self.tensors.append(op.source.index)
        self.layers.append(layer)
        self.tensors.append(op.target.index)
        if inexact:
            self.notes.append(
                f"{op}: {inexact} of {layer.outputs} channels have scales so small that single "
                "sums next to a tie may round to the neighbouring value"
            )

    def activation(self, op: TfliteOperator) -> None:
        self._on_engine(op, after_layer=True)
        source, output = quant_of(op.source, str(op)), quant_of(op.target, str(op))
        table = _named(str(op), lambda: element_table(op.code, source, output, **_parameters(op)))
        self._table(op, table, output)

    def quantize(self, op: TfliteOperator) -> None:
        source, target = op.source, op.target
        where = str(op)
        if source.dtype == "float32":
            if self.layers:
                raise Unsupported("its input is a layer's result in float32", where=where)
            self.pre.append(Quantize(quant_of(target, where, _BYTES), target.dtype))
            return
        before, output = quant_of(source, where, _BYTES), quant_of(target, where, _BYTES)
        step = _named(where, lambda: Requantize(before, output, source.dtype, target.dtype))
        if not self.layers:
            self.pre.append(step)
        elif not self.post and source.dtype == target.dtype == "int8":
            self._table(op, step(_ALL_INT8), output)
        else:
            self.post.append(step)

    def dequantize(self, op: TfliteOperator) -> None:
        where = str(op)
        if not self.layers:
            raise Unsupported("it is before the first layer", where=where)
        if op.target.dtype != "float32":
            raise CelosiaError(f"{op.target} is {op.target.dtype}, not float32", where=where)
        source = op.source
        self.post.append(Dequantize(quant_of(source, where, _BYTES), source.dtype))

    def softmax(self, op: TfliteOperator) -> None:
        where = str(op)
        if not self.layers:
            raise Unsupported("it is before the first layer", where=where)
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
        beta = 0.0 if op.options is None else op.options.scalar(0, "f", 0.0)
        self.post.append(_named(where, lambda: Softmax(entry, beta)))

    def reshape(self, op: TfliteOperator) -> None:
        source, target = op.source, op.target
        if prod(source.shape) != prod(target.shape) or source.dtype != target.dtype:
            raise CelosiaError(
                f"{source.dtype} {list(source.shape)} cannot become {target.dtype} "
                f"{list(target.shape)}",
                where=str(op),
            )

    def _on_engine(self, op: TfliteOperator, *, after_layer: bool = False) -> None:
        if self.post:
            raise Unsupported("it follows an operator that runs on the host", where=str(op))
        if after_layer and not self.layers:
            raise Unsupported("it is before the first layer", where=str(op))

    def _table(self, op: TfliteOperator, table: np.ndarray, output: Quant) -> None:
        self.layers[-1] = with_table(self.layers[-1], table, output)
        self.tensors[-1] = op.target.index


_Made = TypeVar("_Made")


def _named(where: str, make: Callable[[], _Made]) -> _Made:
    """``make()``; when it is not supported, the error names the operator alone."""
    try:
        return make()
    except Unsupported as error:
        raise Unsupported(error.what, where=where, todo=error.todo) from error


def _parameters(op: TfliteOperator) -> dict[str, float]:
    """The options of an activation. Each has field 0 at most."""
    if op.options is None:
        return {}
    if op.code == "LEAKY_RELU":
        return {"alpha": op.options.scalar(0, "f", 0.0)}
    if op.code == "GELU":
        return {"approximate": bool(op.options.scalar(0, "B"))}
    return {}


def one_image(tensor: TfliteTensor) -> tuple[int, ...]:
    """The shape without its batch axis, which must be 1."""
    if len(tensor.shape) < 2:
        return tensor.shape
    if tensor.shape[0] != 1:
        raise Unsupported(
            f"{tensor} has a batch of {tensor.shape[0]}", todo="convert the model with batch 1"
        )
    return tensor.shape[1:]


#: Operator -> handler. The documentation's list of operators is generated from this.
HANDLERS: Mapping[str, Callable[[Chain[Any], TfliteOperator], None]] = {
    "FULLY_CONNECTED": Chain.dense,
    "QUANTIZE": Chain.quantize,
    "DEQUANTIZE": Chain.dequantize,
    "SOFTMAX": Chain.softmax,
    "RESHAPE": Chain.reshape,
    "SQUEEZE": Chain.reshape,
    "EXPAND_DIMS": Chain.reshape,
} | {name: Chain.activation for name in FUNCTIONS}
