"""What each supported ONNX operator computes, of values and of constants: `OPERATORS`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.arithmetic import compare
from celosia.importer.operations.constants import cast, plain
from celosia.importer.operations.elementwise import number
from celosia.importer.values import Value
from celosia.support.errors import Unsupported

from .call import Call
from .functions import FUNCTIONS
from .maps import MAPS
from .shapes import SHAPES
from .types import FLOATS, NUMPY, name_of

__all__ = ["OPERATORS", "compute"]

_EVAL = "export the model for inference"


def compute(call: Call) -> Any:
    """The result of a node: a value or a constant, or a list of them.

    Raises
    ------
    Unsupported : the operator is not known, or has an attribute or input that is not.
    """
    handler = OPERATORS.get(call.node.op)
    if handler is None:
        raise Unsupported("this operator is not supported")
    result = handler(call)
    call.finish()
    return result


def _gemm(call: Call) -> Any:
    if call.integer("transA", 0):
        raise Unsupported("attribute transA = 1 is not supported")
    weights = call.operand(1)
    if isinstance(weights, Value):
        raise Unsupported("its weights depend on the model's input")
    if call.integer("transB", 0):
        weights = run.transpose(weights)
    alpha, beta = call.number("alpha", 1.0), call.number("beta", 1.0)
    weights = weights if alpha == 1 else weights.astype(np.float64) * alpha
    if call.opset < 7:
        call.ignore("broadcast")
    bias = call.optional(2)
    bias = bias if bias is None or beta == 1 else bias.astype(np.float64) * beta
    return run.linear(call.operand(), weights, bias)


def _batch_normalization(call: Call) -> Value:
    if call.integer("training_mode", 0) or not call.integer("is_test", 1):
        raise Unsupported("it is in training mode", todo=_EVAL)
    if call.integer("spatial", 1) != 1:
        raise Unsupported("attribute spatial = 0 is not supported")
    call.ignore("momentum", "consumed_inputs")
    gamma, beta, mean, variance = (call.array(index) for index in range(1, 5))
    epsilon = call.number("epsilon", 1e-5)
    return run.batch_norm(call.operand(), mean, variance, gamma, beta, epsilon)


def _constant(call: Call) -> np.ndarray:
    for key in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if call.attribute(key) is not None:
            value = np.asarray(call.attribute(key))
            return value.astype(np.float32) if "float" in key else value
    raise Unsupported("a constant that is not a number")


def _constant_of_shape(call: Call) -> np.ndarray:
    sizes, value = [int(n) for n in np.ravel(call.array(0))], call.attribute("value")
    filled = np.zeros(1, np.float32) if value is None else value
    if run.BATCH in sizes or min(sizes, default=1) < 0 or np.prod(sizes, dtype=float) > 1 << 16:
        raise Unsupported(f"a constant of shape {sizes[:8]}")
    return np.full(sizes, filled.reshape(-1)[0])


def _cast(call: Call) -> Any:
    kind, x = call.integer("to", 1), call.operand()
    call.ignore("saturate", "round_mode")
    if isinstance(x, Value):
        if kind not in FLOATS:
            raise Unsupported(f"to {name_of(kind)}; only float32 is computed")
        return x
    if kind not in FLOATS and kind not in NUMPY:
        raise Unsupported(f"to {name_of(kind)}")
    return cast(x, np.float32 if kind in FLOATS else NUMPY[kind][0])


def _softmax(log: bool) -> Callable[[Call], Any]:
    def handler(call: Call) -> Any:
        x = call.operand()
        # Before operator set 13 the default is 1, and the axes from there on count as one.
        axis = call.integer("axis", -1 if call.opset >= 13 else 1)
        if not isinstance(x, Value):
            raise Unsupported("of a constant")
        if call.opset < 13 and axis in (1, -len(x.shape)) and len(x.shape) > 1:
            if max(x.shape) != x.width:
                return run.reshape(run.flatten(x).softmax(1, log), [-1, *x.shape])
            axis = 1 + x.shape.index(x.width)
        return x.softmax(axis, log)

    return handler


def _dropout(call: Call) -> Any:
    training = call.optional(2)
    call.optional(1)
    call.ignore("ratio", "seed", "is_test")
    if training is not None and np.any(training):
        raise Unsupported("it is in training mode", todo=_EVAL)
    return call.operand()


def _arithmetic(f: Callable[[Any, Any], Any]) -> Callable[[Call], Any]:
    def handler(call: Call) -> Any:
        if call.opset < 7 and call.integer("broadcast", 0) and call.has("axis"):
            raise Unsupported(f"attribute axis = {call.integer('axis', 0)} is not supported")
        call.ignore("consumed_inputs")
        return f(call.operand(0), call.operand(1))

    return handler


def _many(f: Callable[[Any, Any], Any], share: bool = False) -> Callable[[Call], Any]:
    """An operator on any number of inputs, two at a time; ``share``: divided by their number."""

    def handler(call: Call) -> Any:
        first, *rest = call.operands
        for each in rest:
            first = f(first, each)
        return run.multiply(first, np.float32(1 / (len(rest) + 1))) if share and rest else first

    return handler


def _reduce_product(call: Call) -> np.ndarray:
    array, axes = plain(call.array(0)), call.axes()
    call.ignore("noop_with_empty_axes")
    keep = bool(call.integer("keepdims", 1))
    return np.asarray(np.prod(array, tuple(axes) if axes else None, keepdims=keep), array.dtype)


def _scaler(call: Call) -> Any:
    """``(x - offset) * scale`` of scikit-learn's StandardScaler and MinMaxScaler."""
    offset, scale = (
        np.asarray(call.attribute(key, [default]), np.float64)
        for key, default in (("offset", 0.0), ("scale", 1.0))
    )
    return run.multiply(run.subtract(call.operand(), offset), scale)


def _range(call: Call) -> np.ndarray:
    start, limit, step = (number(call.array(index), "limit") for index in range(3))
    if not step or abs((limit - start) / step) > 1 << 16:
        raise Unsupported(f"a range from {start:g} to {limit:g}")
    return np.arange(start, limit, step).astype(call.array(0).dtype)


#: Operator -> handler.
OPERATORS: dict[str, Callable[[Call], Any]] = {
    "Gemm": _gemm,
    "MatMul": lambda call: run.matmul(call.operand(0), call.operand(1)),
    "BatchNormalization": _batch_normalization,
    "Add": _arithmetic(run.add),
    "Sub": _arithmetic(run.subtract),
    "Mul": _arithmetic(run.multiply),
    "Div": _arithmetic(lambda one, other: run.divide(one, other, whole=True)),
    "Pow": _arithmetic(run.power),
    "Max": _many(run.maximum),
    "Min": _many(run.minimum),
    "Sum": _many(run.add),
    "Mean": _many(run.add, share=True),
    "Greater": _arithmetic(lambda one, other: compare(one, ">", other)),
    "GreaterOrEqual": _arithmetic(lambda one, other: compare(one, ">=", other)),
    "Less": _arithmetic(lambda one, other: compare(one, "<", other)),
    "LessOrEqual": _arithmetic(lambda one, other: compare(one, "<=", other)),
    "Equal": _arithmetic(lambda one, other: compare(one, "==", other)),
    "Where": lambda call: run.where(call.operand(0), call.operand(1), call.operand(2)),
    "PRelu": lambda call: run.prelu(call.operand(0), call.operand(1)),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Cast": _cast,
    "CastLike": lambda call: _cast_like(call),
    "Identity": lambda call: call.operand(),
    "Dropout": _dropout,
    "ReduceProd": _reduce_product,
    "Softmax": _softmax(log=False),
    "LogSoftmax": _softmax(log=True),
    "ai.onnx.ml.Scaler": _scaler,
    **MAPS,
    **FUNCTIONS,
    **SHAPES,
}


def _cast_like(call: Call) -> Any:
    x, like = call.operand(0), call.operand(1)
    call.ignore("saturate", "round_mode")
    if isinstance(x, Value):
        return x
    if isinstance(like, Value):
        return cast(x, np.float32)
    return cast(x, like.dtype)
