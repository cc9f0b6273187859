"""Quantized ONNX models in QDQ form: every tensor between a QuantizeLinear and a DequantizeLinear.

The operators between a DequantizeLinear and the next QuantizeLinear become one layer, or one table,
of the engine. The reals between them are never rounded, so the integer result is the same. Scales
and zero points are the file's; a uint8 tensor is held as int8, 128 lower.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from celosia.importer.element_tables import with_table
from celosia.importer.guard import Budget
from celosia.importer.values import MAX_WIDTH, check_softmax
from celosia.network.functions import Function, X
from celosia.network.graph import Dense, Graph
from celosia.network.host_steps import HostSteps
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, QuantizeLinear, Requantize
from celosia.numerics.quant import Quant
from celosia.quant.activation import float_table
from celosia.support.errors import CelosiaError, Unsupported, located

from .constants import CONSTANT_OPERATORS, along
from .operators import Call, element_function, new_shape, softmax_axis
from .proto import OnnxGraph
from .qdq_matrix import TODO, Constant, Matrix, dense, matrix

__all__ = ["qdq_network"]


@dataclass(frozen=True, eq=False)
class _Stream:
    """A tensor that depends on the model's input, with the layers that compute it.

    Parameters
    ----------
    shape : without the batch axis.
    layers : the layers that are complete.
    last : what the last of them was made from; None when it can no longer be changed.
    quant : of the int8 tensor; None until the model's input is quantized.
    dtype : "int8" or "uint8", the tensor's type in the file; "" while it is real.
    matrix : the linear layer since the last QuantizeLinear, if there is one.
    function : computed after that.
    post : host steps after the last layer.
    notes : what the user should know.
    """

    shape: tuple[int, ...]
    layers: tuple[Dense, ...] = ()
    last: Matrix | None = None
    quant: Quant | None = None
    dtype: str = ""
    matrix: Matrix | None = None
    function: Function = X
    post: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def known_quant(self) -> Quant:
        """`quant` of a tensor that must have one."""
        if self.quant is None:
            raise Unsupported("its input is not quantized", todo=TODO)
        return self.quant


def qdq_network(graph: OnnxGraph, name: str, budget: Budget) -> Network:
    """The network in ``graph`` with its own scales and zero points.

    Parameters
    ----------
    name : of the network.
    budget : of the numbers that are computed.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : an operator, or its position, has no exact form on the engine or the host.
    """
    values: dict[str, Any] = dict(graph.constants)
    width = int(np.prod(graph.input_shape, dtype=np.float64))
    if width > MAX_WIDTH:
        raise Unsupported(f"an input of {width} values")
    values[graph.input] = _Stream(graph.input_shape)
    for node in graph.nodes:
        with located(node.where):
            values[node.output] = _step(Call.of(node, values, graph.opset), budget)
    end = values.get(graph.output)
    if not isinstance(end, _Stream) or end.quant is None or not end.layers:
        raise Unsupported("the model has no quantized layer", where=name, todo=TODO)
    return _network(graph, name, end)


def _network(graph: OnnxGraph, name: str, end: _Stream) -> Network:
    if end.matrix is not None or end.function != X:
        raise Unsupported("the model's output is not quantized", where=name, todo=TODO)
    post, dtype, quant = end.post, end.dtype or "float32", end.known_quant
    if not post:
        if dtype == "uint8":
            post = (Requantize(quant, _in_file(quant, dtype), "int8", "uint8"),)
        elif dtype == "float32":
            post = (Dequantize(quant),)
    chain = Graph(name, end.layers)
    host = HostSteps(
        pre=(QuantizeLinear(chain.input),),
        post=post,
        input_shape=graph.input_shape,
        input_dtype="float32",
        output_shape=end.shape,
        output_dtype=dtype,
    )
    return Network(chain, host, end.notes)


def _in_file(quant: Quant, dtype: str) -> Quant:
    """``quant`` of an int8 tensor as the file has it, where the tensor is ``dtype``."""
    return quant if dtype == "int8" else Quant(quant.scale, quant.zero_point + 128)


def _step(call: Call, budget: Budget) -> Any:
    """The result of a node: a `_Stream`, a `Constant` or an array."""
    op, first = call.node.op, call.get(0)
    if not isinstance(first, _Stream):
        if any(isinstance(each, _Stream) for each in call.arguments[1:]):
            if op == "Add":
                swapped = Call(call.node, call.arguments[::-1], call.opset)
                return _add(swapped)
            raise Unsupported("its first input is a constant")
        return _constant(call, budget)
    if op == "QuantizeLinear":
        return _quantize(call, first)
    if op == "DequantizeLinear":
        return _dequantize(call, first)
    if op in ("Flatten", "Reshape", "Squeeze", "Unsqueeze"):
        shape = new_shape(call, first.shape)
        if np.prod(shape) != np.prod(first.shape):
            raise CelosiaError(f"{list(first.shape)} cannot become {list(shape)}")
        return replace(first, shape=shape)
    if op in ("Identity", "Dropout"):
        return first
    if op == "Shape":
        return np.array([-1, *first.shape])
    if first.dtype or first.quant is None:
        raise Unsupported("its input is not from a DequantizeLinear", todo=TODO)
    if op in ("Gemm", "MatMul"):
        return _linear(call, first, budget)
    if op == "Add":
        return _add(call)
    if op in ("Softmax", "LogSoftmax"):
        return _softmax(call, first)
    outer = element_function(call)
    if outer is None or first.post:
        raise Unsupported("this operator is not supported in a quantized model")
    return replace(first, function=outer.of(first.function))


def _constant(call: Call, budget: Budget) -> Any:
    node = call.node
    if node.op == "DequantizeLinear":
        q = call.array(0).astype(np.int64)
        budget.spend(2 * q.size)
        scale = np.asarray(call.array(1), np.float32)
        axis = int(call.number("axis", 1))
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise CelosiaError("a scale is not positive")
        if call.get(2) is not None:
            q = q - along(call.array(2).astype(np.int64), q.ndim, axis)
        along(scale, q.ndim, axis)
        return Constant(q, scale.reshape(()) if scale.size == 1 else scale, axis)
    if isinstance(call.get(0), Constant):
        return _moved(call, call.get(0))
    if node.op not in CONSTANT_OPERATORS:
        raise Unsupported("this operator is not supported on constants")
    if any(isinstance(each, Constant) for each in call.arguments):
        raise Unsupported("its inputs are quantized constants")
    result = CONSTANT_OPERATORS[node.op](node, call.arguments)
    budget.spend(np.size(result))
    return result


def _moved(call: Call, constant: Constant) -> Constant:
    if call.node.op == "Identity":
        return constant
    if call.node.op == "Transpose" and constant.q.ndim == 2:
        return replace(constant, q=constant.q.T, axis=1 - constant.axis % 2)
    raise Unsupported("this operator is not supported on quantized constants")


def _quant(call: Call) -> tuple[Quant, str]:
    """Scale and zero point of the tensor as int8, and its type in the file."""
    scale = call.array(1)
    zero = call.get(2)
    zero = np.zeros((), np.uint8) if zero is None else call.array(2)
    if scale.size != 1 or zero.size != 1:
        raise Unsupported(f"{scale.size} scales for a computed tensor", todo="use one per tensor")
    if zero.dtype.name not in ("int8", "uint8"):
        raise Unsupported(f"type {zero.dtype}", todo="quantize activations to int8 or uint8")
    real = float(np.float32(scale.reshape(())))
    if not (np.isfinite(real) and real >= np.finfo(np.float32).tiny):
        raise CelosiaError(f"scale {real:g} is not a positive normal float32")
    shift = 128 if zero.dtype == np.uint8 else 0
    return Quant(real, int(zero.reshape(())) - shift), zero.dtype.name


def _quantize(call: Call, x: _Stream) -> _Stream:
    if x.dtype:
        raise CelosiaError("its input is quantized already")
    quant, dtype = _quant(call)
    if x.quant is None:
        return replace(x, quant=quant, dtype=dtype)
    if x.post:
        step = QuantizeLinear(_in_file(quant, dtype), dtype)
        return replace(x, quant=quant, dtype=dtype, post=(*x.post, step))
    if x.matrix is not None:
        layers = (*x.layers, dense(x.matrix, x.function, quant))
    elif x.function == X and quant == x.quant:
        layers = x.layers
    elif not x.layers:
        raise Unsupported("a function or a second scale precedes the first layer")
    else:
        table = float_table(x.function, x.quant, quant)
        layers = (*x.layers[:-1], with_table(x.layers[-1], table, quant))
    last = x.matrix or (x.last if layers is x.layers else None)
    return replace(x, layers=layers, last=last, quant=quant, dtype=dtype, matrix=None, function=X)


def _dequantize(call: Call, x: _Stream) -> _Stream:
    quant, dtype = _quant(call)
    if x.dtype != dtype or x.quant != quant:
        raise Unsupported("its scale, zero point or type differs from its QuantizeLinear's")
    if x.post:
        return replace(x, dtype="", post=(*x.post, Dequantize(_in_file(quant, dtype), dtype)))
    return replace(x, dtype="")


def _linear(call: Call, x: _Stream, budget: Budget) -> _Stream:
    if x.matrix is not None or x.function != X or x.post:
        raise Unsupported("its input is not quantized", todo=TODO)
    made = matrix(call, x.shape, x.known_quant, budget)
    return replace(x, matrix=made, shape=(*x.shape[:-1], len(made.weights)))


def _add(call: Call) -> _Stream:
    """A bias. After a QuantizeLinear of the sums it is still added to the unrounded sums."""
    x, bias = call.get(0), call.get(1)
    if x.dtype or x.post or isinstance(bias, _Stream):
        raise Unsupported("only a constant can be added in a quantized model")
    if x.matrix is not None and x.function == X:
        return replace(x, matrix=x.matrix.plus(bias))
    if x.last is None or x.function != X:
        raise Unsupported("it does not follow a linear layer", todo="merge it into a Gemm")
    note = (
        f"{call.node.where}: the bias is added to the sums before they are rounded, the model "
        "rounds them first; this layer's results may differ by 1"
    )
    changed = x.last.plus(bias)
    return replace(x, layers=x.layers[:-1], matrix=changed, last=None, notes=(*x.notes, note))


def _softmax(call: Call, x: _Stream) -> _Stream:
    if x.matrix is not None or x.function != X or x.post or not x.layers:
        raise Unsupported("its input is not quantized", todo=TODO)
    check_softmax(softmax_axis(call), x.shape)
    log = call.node.op == "LogSoftmax"
    return replace(x, post=(Dequantize(x.known_quant), FloatSoftmax(log)))
