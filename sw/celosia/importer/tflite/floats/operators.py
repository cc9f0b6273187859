"""What each operator of a float ``.tflite`` file computes, of values and of constants."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.arithmetic import compare
from celosia.importer.operations.constants import Operand, cast
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .call import Call
from .maps import MAPS
from .shapes import SHAPES

__all__ = ["OPERATORS"]

_Handler = Callable[[Call], Any]
_SIGNS = {"GREATER": ">", "GREATER_EQUAL": ">=", "LESS": "<", "LESS_EQUAL": "<=", "EQUAL": "=="}
#: Functions that the table of all formats calls the same.
_SAME_NAME = ("ABS CEIL COS EXP FLOOR LOG RELU RELU6 ROUND RSQRT SIGN SIN SQRT SQUARE TANH").split()


def _fully_connected(call: Call) -> Operand:
    """Weights [N, K]; without keep_num_dims its input is [images, K] of whatever shape it has."""
    x, weights = call.operand(), call.array(1)
    bias = None if call.optional(2) is None else call.array(2)
    if weights.ndim != 2 or 0 in weights.shape:
        raise CelosiaError(f"weights of {list(weights.shape)}, not [N, K]")
    if isinstance(x, Value) and not call.option("keep_num_dims"):
        if x.width != weights.shape[1]:
            raise Unsupported(
                f"an input of {list(x.shape)} has several vectors of {weights.shape[1]}",
                todo="set keep_num_dims",
            )
        x = run.flatten(x) if len(x.shape) > 1 else x
    return call.fused(run.linear(x, weights.T, bias))


def _batch_matmul(call: Call) -> Operand:
    if call.option("adj_x"):
        raise Unsupported("option adj_x = True is not supported")
    weights = call.operand(1)
    if call.option("adj_y") and not isinstance(weights, Value):
        weights = np.swapaxes(np.asarray(weights), -1, -2)
    return run.matmul(call.operand(), weights)


def _fused(f: Callable[[Any, Any], Operand]) -> _Handler:
    """Arithmetic of two operands with a fused activation."""
    return lambda call: call.fused(f(call.operand(0), call.operand(1)))


def _pair(f: Callable[[Any, Any], Operand]) -> _Handler:
    return lambda call: f(call.operand(0), call.operand(1))


def _compared(sign: str) -> _Handler:
    return lambda call: compare(call.operand(0), sign, call.operand(1))


def _sum(call: Call) -> Operand:
    total = call.operand(0)
    for index in range(1, len(call.arguments)):
        total = run.add(total, call.operand(index))
    return total


def _named(name: str, *parameters: float) -> _Handler:
    return lambda call: run.apply(call.operand(), name, *parameters)


def _gelu(call: Call) -> Operand:
    return run.apply(call.operand(), "gelu_tanh" if call.option("approximate") else "gelu")


def _leaky_relu(call: Call) -> Operand:
    return run.apply(call.operand(), "leaky_relu", call.option("alpha"))


def _softmax(call: Call) -> Operand:
    """Of ``beta * x`` over the last axis."""
    x = call.value()
    beta = float(call.option("beta"))
    return (x if beta == 1 else x.affine(beta)).softmax(len(x.shape))


def _log_softmax(call: Call) -> Operand:
    x = call.value()
    return x.softmax(len(x.shape), log=True)


def _dequantize(call: Call) -> Operand:
    """Of constants, which are reals already: weights of float16 or int8."""
    x = call.operand()
    return x if isinstance(x, Value) else cast(x, np.float32)


def _cast(call: Call) -> Operand:
    x, kind = call.operand(), call.op.target.dtype
    if isinstance(x, Value):
        if kind != "float32":
            raise Unsupported(f"to {kind}; only float32 is computed")
        return x
    if kind not in ("float32", "int32", "int64"):
        raise Unsupported(f"to {kind}")
    return cast(x, kind)


def _squared_difference(one: Operand, other: Operand) -> Operand:
    return run.apply(run.subtract(one, other), "square")


def _choice(call: Call) -> Operand:
    return run.where(call.operand(0), call.operand(1), call.operand(2))


#: Operator -> handler.
OPERATORS: dict[str, _Handler] = {
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
    "ADD": _fused(run.add),
    "SUB": _fused(run.subtract),
    "MUL": _fused(run.multiply),
    "DIV": _fused(run.divide),
    "ADD_N": _sum,
    "POW": _pair(run.power),
    "MAXIMUM": _pair(run.maximum),
    "MINIMUM": _pair(run.minimum),
    "SQUARED_DIFFERENCE": _pair(_squared_difference),
    **{name: _compared(sign) for name, sign in _SIGNS.items()},
    "SELECT": _choice,
    "SELECT_V2": _choice,
    "PRELU": _pair(run.prelu),
    **{name: _named(name.lower()) for name in _SAME_NAME},
    "ELU": _named("elu", 1.0),
    "GELU": _gelu,
    "HARD_SWISH": _named("hard_swish"),
    "LEAKY_RELU": _leaky_relu,
    "LOGICAL_NOT": _named("not"),
    "LOGISTIC": _named("sigmoid"),
    "NEG": _named("negative"),
    "RELU_0_TO_1": _named("clip", 0.0, 1.0),
    "RELU_N1_TO_1": _named("clip", -1.0, 1.0),
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _log_softmax,
    "CAST": _cast,
    "DEQUANTIZE": _dequantize,
    **MAPS,
    **SHAPES,
}
