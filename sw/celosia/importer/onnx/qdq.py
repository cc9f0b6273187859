"""Quantized ONNX models in QDQ form: every tensor between a QuantizeLinear and a DequantizeLinear.

The operators between a DequantizeLinear and the next QuantizeLinear become one layer, or one table,
of the engine. The reals between them are never rounded, so the integer result is the same. Scales
and zero points are the file's; a uint8 tensor is held as int8, 128 lower.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from celosia.importer.guard import Budget
from celosia.importer.tflite.dense import with_table
from celosia.importer.values import MAX_WIDTH, check_softmax
from celosia.network.functions import Function, X
from celosia.network.graph import Dense, Graph
from celosia.network.host_steps import HostSteps
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, QuantizeLinear, Requantize
from celosia.numerics.multiplier import effective_scale
from celosia.numerics.quant import Quant
from celosia.quant.activation import clamp_of, float_table
from celosia.quant.exact_multiplier import accumulator_range, fit_multipliers
from celosia.spec import BIAS
from celosia.support.errors import CelosiaError, Unsupported, located

from .constants import CONSTANT_OPERATORS, along
from .operators import Call, element_function, new_shape, softmax_axis
from .proto import OnnxGraph

__all__ = ["qdq_network"]

_TODO = "quantize it with onnxruntime's quantize_static, QuantFormat.QDQ"


@dataclass(frozen=True, eq=False)
class _Constant:
    """A constant after a DequantizeLinear: ``q * scale``.

    Parameters
    ----------
    q : int64, the file's integers less their zero points.
    scale : float32, scalar or one per index of ``axis``.
    """

    q: np.ndarray
    scale: np.ndarray
    axis: int

    @property
    def real(self) -> np.ndarray:
        """float64, of the shape of `q`."""
        return self.q * along(self.scale.astype(np.float64), self.q.ndim, self.axis)


@dataclass(frozen=True, eq=False)
class _Matrix:
    """A linear layer whose output has no scale yet.

    Parameters
    ----------
    weights : int8 [N, K].
    scales : float32 [N], of the weights.
    bias : int64 [N], in units of ``source.scale * scales``.
    source : of the layer's input.
    name : of the layer.
    """

    weights: np.ndarray
    scales: np.ndarray
    bias: np.ndarray
    source: Quant
    name: str


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
    last: _Matrix | None = None
    quant: Quant | None = None
    dtype: str = ""
    matrix: _Matrix | None = None
    function: Function = X
    post: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def known_quant(self) -> Quant:
        """`quant` of a tensor that must have one."""
        if self.quant is None:
            raise Unsupported("its input is not quantized", todo=_TODO)
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
        raise Unsupported("the model has no quantized layer", where=name, todo=_TODO)
    return _network(graph, name, end)


def _network(graph: OnnxGraph, name: str, end: _Stream) -> Network:
    if end.matrix is not None or end.function != X:
        raise Unsupported("the model's output is not quantized", where=name, todo=_TODO)
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
    """The result of a node: a `_Stream`, a `_Constant` or an array."""
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
        raise Unsupported("its input is not from a DequantizeLinear", todo=_TODO)
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
        return _Constant(q, scale.reshape(()) if scale.size == 1 else scale, axis)
    if isinstance(call.get(0), _Constant):
        return _moved(call, call.get(0))
    if node.op not in CONSTANT_OPERATORS:
        raise Unsupported("this operator is not supported on constants")
    if any(isinstance(each, _Constant) for each in call.arguments):
        raise Unsupported("its inputs are quantized constants")
    result = CONSTANT_OPERATORS[node.op](node, call.arguments)
    budget.spend(np.size(result))
    return result


def _moved(call: Call, constant: _Constant) -> _Constant:
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
        layers = (*x.layers, _dense(x.matrix, x.function, quant))
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
        raise Unsupported("its input is not quantized", todo=_TODO)
    weights = call.get(1)
    if not isinstance(weights, _Constant) or weights.q.ndim != 2:
        raise Unsupported("its weights are not a quantized constant matrix", todo=_TODO)
    if call.number("transA", 0) or call.number("alpha", 1.0) != 1 or call.number("beta", 1.0) != 1:
        raise Unsupported("transA, alpha or beta differ from their defaults")
    budget.spend(2 * weights.q.size)
    # Weights as [N, K], and the file's axis of N.
    transposed = bool(call.number("transB", 0))
    q, outputs = (weights.q, 0) if transposed else (weights.q.T, 1)
    if weights.scale.ndim and weights.axis % 2 != outputs:
        raise Unsupported("its weights have a scale per input, not per output")
    if q.shape[1] != x.shape[-1] or x.shape[-1] != np.prod(x.shape):
        raise CelosiaError(f"weights for {q.shape[1]} inputs on {list(x.shape)}")
    if 0 in q.shape:
        raise CelosiaError(f"weights of shape {list(q.shape)}")
    if q.min() < -128 or q.max() > 127:
        raise Unsupported(
            "weights minus their zero point exceed int8", todo="quantize weights symmetrically"
        )
    scales = np.broadcast_to(weights.scale, len(q))
    no_bias = np.zeros(len(q), np.int64)
    matrix = _Matrix(q.astype(np.int8), scales, no_bias, x.known_quant, call.node.name)
    if call.get(2) is not None:
        matrix = replace(matrix, bias=_bias(call.get(2), matrix))
    return replace(x, matrix=matrix, shape=(*x.shape[:-1], len(q)))


def _bias(bias: Any, matrix: _Matrix) -> np.ndarray:
    """int64 [N] in units of input scale times weight scale.

    The file's integers where that is their scale, else the nearest ones.
    """
    unit = np.float64(matrix.source.scale) * matrix.scales.astype(np.float64)
    if isinstance(bias, _Constant):
        if bias.q.size == len(unit) and np.allclose(bias.scale, unit, rtol=1e-4, atol=0):
            return bias.q.reshape(-1)
        bias = bias.real
    if not isinstance(bias, np.ndarray) or bias.size not in (1, len(unit)):
        raise Unsupported(f"its bias is not a constant of {len(unit)} values")
    steps = np.rint(np.asarray(bias, np.float64).reshape(-1) / unit)
    return np.clip(steps, -(2.0**40), 2.0**40).astype(np.int64)


def _add(call: Call) -> _Stream:
    """A bias. After a QuantizeLinear of the sums it is still added to the unrounded sums."""
    x, bias = call.get(0), call.get(1)
    if x.dtype or x.post or isinstance(bias, _Stream):
        raise Unsupported("only a constant can be added in a quantized model")
    if x.matrix is not None and x.function == X:
        return replace(x, matrix=replace(x.matrix, bias=x.matrix.bias + _bias(bias, x.matrix)))
    if x.last is None or x.function != X:
        raise Unsupported("it does not follow a linear layer", todo="merge it into a Gemm")
    matrix = replace(x.last, bias=x.last.bias + _bias(bias, x.last))
    note = (
        f"{call.node.where}: the bias is added to the sums before they are rounded, the model "
        "rounds them first; this layer's results may differ by 1"
    )
    return replace(x, layers=x.layers[:-1], matrix=matrix, last=None, notes=(*x.notes, note))


def _softmax(call: Call, x: _Stream) -> _Stream:
    if x.matrix is not None or x.function != X or x.post or not x.layers:
        raise Unsupported("its input is not quantized", todo=_TODO)
    check_softmax(softmax_axis(call), x.shape)
    log = call.node.op == "LogSoftmax"
    return replace(x, post=(Dequantize(x.known_quant), FloatSoftmax(log)))


def _dense(matrix: _Matrix, f: Function, output: Quant) -> Dense:
    if f != X and not f.limits:
        raise Unsupported(f"{f} follows a layer whose sums have no scale", todo=_TODO)
    bias = matrix.bias
    if bias.min() < BIAS.min or bias.max() > BIAS.max:
        raise Unsupported("a bias exceeds 32 bits", where=matrix.name)
    clamp = clamp_of(f, output)
    low, high = accumulator_range(matrix.weights, bias, matrix.source.zero_point)
    real = effective_scale(matrix.source.scale, matrix.scales, output.scale)
    if not (real < 2.0**30).all():
        raise Unsupported("a scale factor exceeds 2**30", where=matrix.name)
    m, shift, _ = fit_multipliers(real, low, high, output.zero_point, clamp)
    return Dense(
        matrix.name,
        matrix.weights,
        bias.astype(np.int32),
        matrix.source,
        m,
        shift,
        output,
        clamp=clamp,
    )
