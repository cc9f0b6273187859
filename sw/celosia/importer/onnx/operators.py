"""What each supported ONNX operator computes on float values. `OPERATORS` lists them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from celosia.importer.arithmetic import SELU, add, batch_norm, divide, multiply
from celosia.importer.guard import text
from celosia.importer.values import Value
from celosia.network.functions import Function, clip, function
from celosia.support.errors import CelosiaError, Unsupported

from .constants import axes_of
from .proto import Node

__all__ = ["OPERATORS", "Call", "element_function", "new_shape", "softmax_axis"]


@dataclass(frozen=True, eq=False)
class Call:
    """A node with its inputs: each one a tensor, a constant array, or None when it is left out.

    ``opset`` is the version of the operator set.
    """

    node: Node
    arguments: list[Any]
    opset: int

    @classmethod
    def of(cls, node: Node, values: dict[str, Any], opset: int) -> "Call":
        """``node`` on ``values``, the tensors and constants by name.

        Raises
        ------
        CelosiaError : an input is not among them.
        """
        for name in node.inputs:
            if name and name not in values:
                raise CelosiaError(f"input {text(name)!r} is not computed before it")
        return cls(node, [values[name] if name else None for name in node.inputs], opset)

    def value(self, index: int = 0) -> Value:
        found = self.get(index)
        if not isinstance(found, Value):
            raise Unsupported(f"its input {index} does not depend on the model's input")
        return found

    def array(self, index: int) -> np.ndarray:
        found = self.get(index)
        if not isinstance(found, np.ndarray):
            raise Unsupported(f"its input {index} is not a constant")
        return found

    def operand(self, index: int) -> Value | np.ndarray:
        found = self.get(index)
        return found if isinstance(found, Value) else self.array(index)

    def get(self, index: int) -> Any:
        return self.arguments[index] if index < len(self.arguments) else None

    def number(self, key: str, default: float) -> float:
        value = self.node.attributes.get(key, default)
        if not isinstance(value, int | float):
            raise CelosiaError(f"{key} is {text(value)!r}, not a number")
        return value


def _gemm(call: Call) -> Value:
    if call.number("transA", 0):
        raise Unsupported("transA = 1")
    weights = call.array(1)
    if call.number("transB", 0):
        weights = weights.T
    if call.number("alpha", 1.0) != 1:
        weights = weights.astype(np.float64) * call.number("alpha", 1.0)
    bias = None if call.get(2) is None else call.array(2).astype(np.float64)
    if bias is not None and bias.ndim == 2 and len(bias) == 1:
        bias = bias[0]
    if bias is not None and call.number("beta", 1.0) != 1:
        bias = bias * call.number("beta", 1.0)
    return call.value().linear(weights, bias, call.node.where)


def _matmul(call: Call) -> Value:
    return call.value().linear(call.array(1), None, call.node.where)


def _batch_normalization(call: Call) -> Value:
    if call.number("training_mode", 0):
        raise Unsupported("in training mode", todo="export the model for inference")
    gamma, beta, mean, variance = (call.array(index) for index in range(1, 5))
    epsilon = call.number("epsilon", 1e-5)
    return batch_norm(call.value(), mean, variance, gamma, beta, epsilon)


def new_shape(call: Call, shape: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` after a Flatten, Reshape, Squeeze or Unsqueeze; both without the batch axis."""
    rank = len(shape) + 1
    if call.node.op == "Flatten":
        if call.number("axis", 1) not in (1, 1 - rank):
            raise Unsupported(f"from axis {call.number('axis', 1)}, not 1")
        return (math.prod(shape),)
    if call.node.op == "Reshape":
        target = [int(each) for each in np.ravel(call.array(1))]
        if len(target) < 2:
            raise Unsupported(f"to {target}, which has no batch axis")
        rest = [(1, *shape)[k] if n == 0 and k < rank else n for k, n in enumerate(target)][1:]
        known = math.prod(n for n in rest if n != -1)
        if rest.count(-1) > 1 or known < 1:
            raise Unsupported(f"to {target}")
        return tuple(math.prod(shape) // known if n == -1 else n for n in rest)
    axes = axes_of(call.node, call.arguments)
    if call.node.op == "Squeeze":
        if axes is None:
            return tuple(size for size in shape if size != 1)
        removed = {axis % rank for axis in axes}
        if 0 in removed or any(shape[axis - 1] != 1 for axis in removed):
            raise Unsupported(f"of axes {sorted(removed)} of {list(shape)}")
        return tuple(size for axis, size in enumerate(shape, 1) if axis not in removed)
    axes = axes or []
    added = {axis % (rank + len(axes)) for axis in axes}
    if 0 in added or len(added) > 4:
        raise Unsupported(f"axes {sorted(added)}")
    for axis in sorted(added):
        shape = (*shape[: axis - 1], 1, *shape[axis - 1 :])
    return shape


def _reshape(call: Call) -> Value:
    return call.value().reshape(new_shape(call, call.value().shape))


def softmax_axis(call: Call) -> int:
    """Before operator set 13 the default is 1, and the axes from there on count as one."""
    return int(call.number("axis", -1 if call.opset >= 13 else 1))


def _softmax(log: bool) -> Callable[[Call], Value]:
    return lambda call: call.value().softmax(softmax_axis(call), log)


def _cast(call: Call) -> Value:
    if call.number("to", 1) != 1:
        raise Unsupported(f"to data type {call.number('to', 1)}; only float32 is computed")
    return call.value()


def _dropout(call: Call) -> Value:
    training = call.get(2)
    if training is not None and np.any(training):
        raise Unsupported("in training mode", todo="export the model for inference")
    return call.value()


def element_function(call: Call) -> Function | None:
    """The element-wise function that a node applies to its first input; None for other nodes."""
    return _FUNCTIONS[call.node.op](call) if call.node.op in _FUNCTIONS else None


def _named(name: str, **parameters: float) -> Callable[[Call], Function]:
    """Function ``name``; its parameters are attributes of the node, here with their defaults."""
    return lambda call: function(name, *(call.number(k, v) for k, v in parameters.items()))


def _clip(call: Call) -> Function:
    limits = []
    for index, key, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        given = call.get(index)
        if given is not None:
            limits.append(float(call.array(index).reshape(())))
        else:
            limits.append(call.number(key, default))
    return clip(*limits)


def _gelu(call: Call) -> Function:
    tanh = call.node.attributes.get("approximate") == b"tanh"
    return function("gelu_tanh" if tanh else "gelu")


def _prelu(call: Call) -> Function:
    slope = call.array(1)
    if slope.size != 1:
        raise Unsupported(f"with {slope.size} slopes; one for all channels is supported")
    return function("leaky_relu", float(slope.reshape(())))


def _power(call: Call) -> Function:
    if call.array(1).size != 1 or call.array(1).reshape(()) != 2:
        raise Unsupported("its exponent is not the constant 2")
    return function("square")


#: Operator -> its function of the first input.
_FUNCTIONS: dict[str, Callable[[Call], Function]] = {
    "Relu": lambda call: clip(0),
    "Clip": _clip,
    "LeakyRelu": _named("leaky_relu", alpha=0.01),
    "PRelu": _prelu,
    "Sigmoid": _named("sigmoid"),
    "Tanh": _named("tanh"),
    "HardSigmoid": _named("hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": _named("hard_swish"),
    "Elu": _named("elu", alpha=1.0),
    "Selu": _named("selu", alpha=SELU[0], gamma=SELU[1]),
    "Celu": _named("celu", alpha=1.0),
    "Gelu": _gelu,
    "Mish": _named("mish"),
    "Softplus": lambda call: function("softplus", 1.0),
    "Softsign": _named("softsign"),
    "ThresholdedRelu": lambda call: function("threshold", call.number("alpha", 1.0), 0.0),
    "Erf": _named("erf"),
    "Exp": _named("exp"),
    "Abs": _named("abs"),
    "Pow": _power,
}

#: Operator -> handler. A Shape's result is a constant.
OPERATORS: dict[str, Callable[[Call], Any]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_normalization,
    "Add": lambda call: add(call.operand(0), call.operand(1)),
    "Sub": lambda call: add(call.operand(0), call.operand(1), -1.0),
    "Mul": lambda call: multiply(call.operand(0), call.operand(1)),
    "Div": lambda call: divide(call.value(), call.operand(1)),
    "Neg": lambda call: call.value().affine(-1.0),
    "Flatten": _reshape,
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Identity": lambda call: call.value(),
    "Dropout": _dropout,
    "Cast": _cast,
    "Shape": lambda call: np.array([-1, *call.value().shape]),
    "Softmax": _softmax(log=False),
    "LogSoftmax": _softmax(log=True),
} | {name: lambda call: call.value().apply(_FUNCTIONS[call.node.op](call)) for name in _FUNCTIONS}
