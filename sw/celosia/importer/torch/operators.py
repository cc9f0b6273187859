"""What each supported ATen operator computes. `OPERATORS` lists them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer.arithmetic import SELU, add, batch_norm, divide, multiply
from celosia.importer.values import Value
from celosia.network.functions import clip, function
from celosia.support.errors import Unsupported

from .node import BATCH, Node

__all__ = ["OPERATORS"]

#: A node's result: a `Value`, or an array or number that does not depend on the input.
Handler = Callable[[Node], Any]

#: torch._export.serde.schema.ScalarType.
_FLOAT32 = 7
#: What to do about operators that only training has: dropout, statistics, counters of batches.
_EVAL = "export model.eval()"


def _linear(node: Node) -> Value:
    weight, bias = node.array("weight"), node.constant("bias")
    return node.value("input").linear(weight.T, bias, node.where)


def _matmul(node: Node) -> Value:
    """``mm`` and ``matmul`` with a constant on the right."""
    second = "mat2" if "mat2" in node.arguments else "other"
    return node.value("self" if "self" in node.arguments else "input").linear(
        node.array(second), None, node.where
    )


def _addmm(node: Node) -> Value:
    if node.number("alpha", 1) != 1 or node.number("beta", 1) != 1:
        raise Unsupported("alpha or beta is not 1")
    return node.value("mat1").linear(node.array("mat2"), node.array("self"), node.where)


def _transpose(node: Node) -> np.ndarray:
    array = node.get("self")
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise Unsupported("only a constant matrix can be transposed")
    return array.T


def _batch_norm(node: Node) -> Value:
    if node.get("training") or node.get("train"):
        raise Unsupported("exported in training mode", todo=_EVAL)
    mean, variance, gamma, beta = (
        node.constant(name) for name in ("running_mean", "running_var", "weight", "bias")
    )
    if mean is None or variance is None:
        raise Unsupported("no running statistics", todo="use track_running_stats=True")
    epsilon = node.number("eps", 1e-5)
    return batch_norm(node.value("input"), mean, variance, gamma, beta, epsilon)


def _dropout(node: Node) -> Any:
    if node.get("train"):
        raise Unsupported("exported in training mode", todo=_EVAL)
    return _same(node)


def _same(node: Node) -> Any:
    return node.get("input" if "input" in node.arguments else "self")


def _reshape(node: Node) -> Any:
    value = _same(node)
    return value.reshape(node.output_shape) if isinstance(value, Value) else value


def _cast(node: Node) -> Any:
    """float32 to float32 of a value; any cast of a constant is ignored."""
    if isinstance(node.get("self"), Value):
        meta = node.graph["tensor_values"][node.node["outputs"][0]["as_tensor"]["name"]]
        if meta["dtype"] != _FLOAT32:
            raise Unsupported("only float32 is computed")
    return node.get("self")


def _operands(node: Node) -> tuple[Value | np.ndarray, Value | np.ndarray]:
    """``self`` and ``other``, at least one of them a `Value`."""
    one, other = (
        each if isinstance(each, Value) else _f32(each)
        for each in (node.get("self"), node.get("other"))
    )
    if not isinstance(one, Value) and not isinstance(other, Value):
        raise Unsupported("none of its arguments depends on the input", todo=_EVAL)
    return one, other


def _f32(number: Any) -> np.ndarray:
    """Rounded to float32: numbers in the file are Python's, PyTorch computes in float32."""
    return np.asarray(number).astype(np.float32).astype(np.float64)


def _sum(sign: float) -> Handler:
    """``self + sign * alpha * other``."""
    return lambda node: add(*_operands(node), sign * node.number("alpha", 1))


def _divide(node: Node) -> Value:
    other = node.get("other")
    return divide(node.value("self"), other if isinstance(other, Value) else _f32(other))


def _softmax(log: bool) -> Handler:
    return lambda node: node.value("self").softmax(node.get("dim"), log)


def _unary(name: str, **parameters: float) -> Handler:
    """Function ``name`` of `FORMULAS`, with ATen's names and defaults of its parameters."""

    def handler(node: Node) -> Value:
        values = (node.number(key, default) for key, default in parameters.items())
        return node.value("self").apply(function(name, *values))

    return handler


def _clip(low_name: str, high_name: str, low: float = -math.inf, high: float = math.inf) -> Handler:
    def handler(node: Node) -> Value:
        limits = node.number(low_name, low), node.number(high_name, high)
        return node.value("self").apply(clip(*limits))

    return handler


def _fixed(low: float, high: float = math.inf) -> Handler:
    return lambda node: node.value("self").apply(clip(low, high))


def _gelu(node: Node) -> Value:
    tanh = node.get("approximate", "none") == "tanh"
    return node.value("self").apply(function("gelu_tanh" if tanh else "gelu"))


def _elu(node: Node) -> Value:
    if node.number("scale", 1) != 1 or node.number("input_scale", 1) != 1:
        raise Unsupported("an ELU with scales")
    return node.value("self").apply(function("elu", node.number("alpha", 1)))


def _softplus(node: Node) -> Value:
    # PyTorch's threshold only prevents overflow, which the formula here does not have.
    return node.value("self").apply(function("softplus", node.number("beta", 1)))


def _hard_sigmoid(node: Node) -> Value:
    return node.value("self").apply(function("hard_sigmoid", 1 / 6, 0.5))


def _selu(node: Node) -> Value:
    return node.value("self").apply(function("selu", *SELU))


#: ATen operator with its overload -> handler.
OPERATORS: dict[str, Handler] = {
    "linear.default": _linear,
    "matmul.default": _matmul,
    "mm.default": _matmul,
    "addmm.default": _addmm,
    "t.default": _transpose,
    "numpy_T.default": _transpose,
    "permute.default": _transpose,
    "transpose.int": _transpose,
    "batch_norm.default": _batch_norm,
    "_native_batch_norm_legit_no_training.default": _batch_norm,
    "dropout.default": _dropout,
    "alpha_dropout.default": _dropout,
    "feature_dropout.default": _dropout,
    "alias.default": _same,
    "clone.default": _same,
    "contiguous.default": _same,
    "detach.default": _same,
    "detach_.default": _same,
    "lift_fresh_copy.default": _same,
    "to.dtype": _cast,
    "_to_copy.default": _cast,
    "flatten.using_ints": _reshape,
    "reshape.default": _reshape,
    "view.default": _reshape,
    "_unsafe_view.default": _reshape,
    "squeeze.default": _reshape,
    "squeeze.dim": _reshape,
    "squeeze.dims": _reshape,
    "unsqueeze.default": _reshape,
    "unflatten.int": _reshape,
    "sym_size.int": lambda node: BATCH,
    "add.Tensor": _sum(1.0),
    "add_.Tensor": _sum(1.0),
    "sub.Tensor": _sum(-1.0),
    "sub_.Tensor": _sum(-1.0),
    "mul.Tensor": lambda node: multiply(*_operands(node)),
    "mul_.Tensor": lambda node: multiply(*_operands(node)),
    "div.Tensor": _divide,
    "div_.Tensor": _divide,
    "neg.default": lambda node: node.value("self").affine(-1.0),
    "softmax.int": _softmax(log=False),
    "_softmax.default": _softmax(log=False),
    "log_softmax.int": _softmax(log=True),
    "_log_softmax.default": _softmax(log=True),
    "relu.default": _fixed(0),
    "relu_.default": _fixed(0),
    "relu6.default": _fixed(0, 6),
    "relu6_.default": _fixed(0, 6),
    "hardtanh.default": _clip("min_val", "max_val", -1, 1),
    "hardtanh_.default": _clip("min_val", "max_val", -1, 1),
    "clamp.default": _clip("min", "max"),
    "clamp_min.default": _clip("min", "max"),
    "clamp_max.default": _clip("min", "max"),
    "leaky_relu.default": _unary("leaky_relu", negative_slope=0.01),
    "leaky_relu_.default": _unary("leaky_relu", negative_slope=0.01),
    "sigmoid.default": _unary("sigmoid"),
    "tanh.default": _unary("tanh"),
    "hardsigmoid.default": _hard_sigmoid,
    "hardsigmoid_.default": _hard_sigmoid,
    "hardswish.default": _unary("hard_swish"),
    "hardswish_.default": _unary("hard_swish"),
    "elu.default": _elu,
    "elu_.default": _elu,
    "selu.default": _selu,
    "selu_.default": _selu,
    "celu.default": _unary("celu", alpha=1.0),
    "gelu.default": _gelu,
    "silu.default": _unary("silu"),
    "silu_.default": _unary("silu"),
    "mish.default": _unary("mish"),
    "mish_.default": _unary("mish"),
    "softplus.default": _softplus,
    "log_sigmoid.default": _unary("log_sigmoid"),
    "threshold.default": _unary("threshold", threshold=0.0, value=0.0),
    "abs.default": _unary("abs"),
    "erf.default": _unary("erf"),
    "exp.default": _unary("exp"),
}
