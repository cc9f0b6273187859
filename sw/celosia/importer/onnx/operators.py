"""What each ONNX operator does to a float value. `OPERATORS` is the list of all that are known."""

import math
from dataclasses import dataclass

import numpy as np

from celosia.importer.values import Value, norm_factors
from celosia.network.functions import Function, clip, function
from celosia.support.errors import CelosiaError, Unsupported

from .constants import axes_of
from .proto import Node

__all__ = ["OPERATORS", "Call", "element_function", "new_shape"]


@dataclass(frozen=True, eq=False)
class Call:
    """A node with what enters it: `Value`, array, or None for an input that is left out."""

    node: Node
    arguments: list
    opset: int

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

    def get(self, index: int):
        return self.arguments[index] if index < len(self.arguments) else None

    def number(self, key: str, default: float) -> float:
        value = self.node.attributes.get(key, default)
        if not isinstance(value, int | float):
            raise CelosiaError(f"{key} is no number")
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
    value = call.value()
    gamma, beta, mean, variance = (call.array(index) for index in range(1, 5))
    scale, shift = norm_factors(mean, variance, gamma, beta, call.number("epsilon", 1e-5))
    # Channels are the first axis after the batch.
    axes = (-1,) + (1,) * (len(value.shape) - 1)
    return value.affine(scale.reshape(axes), shift.reshape(axes))


def _sum(sign: float):
    def handler(call: Call) -> Value:
        one, other = call.get(0), call.get(1)
        if isinstance(one, Value) and isinstance(other, Value):
            return one.join(other.affine(-1.0) if sign < 0 else other, "add")
        if isinstance(one, Value):
            return one.affine(1.0, sign * call.array(1))
        return call.value(1).affine(sign, call.array(0))

    return handler


def _multiply(call: Call) -> Value:
    one, other = call.get(0), call.get(1)
    if isinstance(one, Value) and isinstance(other, Value):
        return one.join(other, "multiply")
    return one.affine(call.array(1)) if isinstance(one, Value) else call.value(1).affine(one)


def _divide(call: Call) -> Value:
    if isinstance(call.get(1), Value):
        return call.value().join(call.value(1), "divide")
    divisor = call.array(1).astype(np.float64)
    if not divisor.all():
        raise CelosiaError("division by zero")
    # Rounded to float32, so that x / 255 is x * (1 / 255) as other formats write it.
    return call.value().affine((1 / divisor).astype(np.float32))


def new_shape(call: Call, shape: tuple[int, ...]) -> tuple[int, ...]:
    """What a Flatten, Reshape, Squeeze or Unsqueeze makes of ``shape``; the batch is no part."""
    rank = len(shape) + 1
    if call.node.op == "Flatten":
        if call.number("axis", 1) not in (1, 1 - rank):
            raise Unsupported(f"from axis {call.number('axis', 1)}, not 1")
        return (math.prod(shape),)
    if call.node.op == "Reshape":
        target = [int(each) for each in np.ravel(call.array(1))]
        if len(target) < 2:
            raise Unsupported(f"to {target}, which leaves no batch axis")
        rest = [(1, *shape)[k] if n == 0 and k < rank else n for k, n in enumerate(target)][1:]
        known = math.prod(n for n in rest if n != -1)
        if rest.count(-1) > 1 or known < 1:
            raise Unsupported(f"to {target}")
        return tuple(math.prod(shape) // known if n == -1 else n for n in rest)
    axes = axes_of(call.node, call.arguments)
    if call.node.op == "Squeeze":
        if axes is None:
            return tuple(size for size in shape if size != 1)
        axes = {axis % rank for axis in axes}
        if 0 in axes or any(shape[axis - 1] != 1 for axis in axes):
            raise Unsupported(f"of axes {sorted(axes)} of {list(shape)}")
        return tuple(size for axis, size in enumerate(shape, 1) if axis not in axes)
    axes = {axis % (rank + len(axes)) for axis in axes or []}
    if 0 in axes or len(axes) > 4:
        raise Unsupported(f"axes {sorted(axes)}")
    for axis in sorted(axes):
        shape = (*shape[: axis - 1], 1, *shape[axis - 1 :])
    return shape


def _reshape(call: Call) -> Value:
    return call.value().reshape(new_shape(call, call.value().shape))


def _softmax(log: bool):
    # Before operator set 13 the default axis was 1, and all axes from there on one.
    return lambda call: call.value().softmax(
        call.number("axis", -1 if call.opset >= 13 else 1), log
    )


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
    """The element-wise function of its first input that a node is; None when it is none."""
    return _FUNCTIONS[call.node.op](call) if call.node.op in _FUNCTIONS else None


def _named(name: str, **parameters: float):
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
        raise Unsupported("with another exponent than 2")
    return function("square")


#: Operator: its function, a `Function` of the first input.
_FUNCTIONS = {
    "Relu": lambda call: clip(0),
    "Clip": _clip,
    "LeakyRelu": _named("leaky_relu", alpha=0.01),
    "PRelu": _prelu,
    "Sigmoid": _named("sigmoid"),
    "Tanh": _named("tanh"),
    "HardSigmoid": _named("hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": _named("hard_swish"),
    "Elu": _named("elu", alpha=1.0),
    "Selu": _named("selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
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

#: Operator: handler of a call.
OPERATORS = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_normalization,
    "Add": _sum(1.0),
    "Sub": _sum(-1.0),
    "Mul": _multiply,
    "Div": _divide,
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
} | {name: lambda call: call.value().apply(element_function(call)) for name in _FUNCTIONS}
