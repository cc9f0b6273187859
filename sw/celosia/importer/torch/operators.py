"""What each ATen operator does to a value. `OPERATORS` is the list of all that are known."""

import math

import numpy as np

from celosia.importer.values import Value, norm_factors
from celosia.network.functions import clip, function
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["BATCH", "OPERATORS"]

#: Stands for the symbolic size of the batch axis.
BATCH = -1

#: What to do about counters of batches, dropout and statistics, which only training has.
_EVAL = "export model.eval()"


def _linear(node):
    weight, bias = _array(node, "weight"), node.constant("bias")
    return node.value("input").linear(weight.T, bias, node.where)


def _matmul(node):
    """``mm`` and ``matmul`` with a constant on the right."""
    second = "mat2" if "mat2" in node.arguments else "other"
    return node.value("self" if "self" in node.arguments else "input").linear(
        _array(node, second), None, node.where
    )


def _addmm(node):
    if node.number("alpha", 1) != 1 or node.number("beta", 1) != 1:
        raise Unsupported("alpha or beta is not 1")
    return node.value("mat1").linear(_array(node, "mat2"), _array(node, "self"), node.where)


def _array(node, name: str) -> np.ndarray:
    found = node.constant(name)
    if not isinstance(found, np.ndarray):
        raise CelosiaError(f"its argument {name!r} is no tensor")
    return found


def _transpose(node):
    array = node.get("self")
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise Unsupported("only constant matrices can be transposed")
    return array.T


def _batch_norm(node):
    if node.get("training") or node.get("train"):
        raise Unsupported("exported in training mode", todo=_EVAL)
    value = node.value("input")
    mean, variance, gamma, beta = (
        node.constant(name) for name in ("running_mean", "running_var", "weight", "bias")
    )
    if mean is None or variance is None:
        raise Unsupported("no running statistics", todo="use track_running_stats=True")
    scale, shift = norm_factors(mean, variance, gamma, beta, node.number("eps", 1e-5))
    # Channels are the first axis after the batch.
    axes = (-1,) + (1,) * (len(value.shape) - 1)
    return value.affine(scale.reshape(axes), shift.reshape(axes))


def _dropout(node):
    if node.get("train"):
        raise Unsupported("exported in training mode", todo=_EVAL)
    return _same(node)


def _same(node):
    return node.get("input" if "input" in node.arguments else "self")


def _reshape(node):
    value = _same(node)
    return value.reshape(node.output_shape) if isinstance(value, Value) else value


def _cast(node):
    """float32 to float32; other types have no place here."""
    if isinstance(node.get("self"), Value):
        meta = node.graph["tensor_values"][node.node["outputs"][0]["as_tensor"]["name"]]
        if meta["dtype"] != 7:
            raise Unsupported("only float32 is computed")
    return node.get("self")


def _sum(sign: float):
    """``self + alpha * other``, either of them constant."""

    def handler(node):
        one, other = node.get("self"), node.get("other")
        factor = sign * node.number("alpha", 1)
        if isinstance(one, Value) and isinstance(other, Value):
            return one.join(other.affine(factor) if factor != 1 else other, "add")
        if isinstance(one, Value):
            return one.affine(1.0, factor * np.asarray(_f32(other)))
        if isinstance(other, Value):
            return other.affine(factor, _f32(one))
        raise Unsupported("none of its arguments depends on the input", todo=_EVAL)

    return handler


def _multiply(node):
    one, other = node.get("self"), node.get("other")
    if isinstance(one, Value) and isinstance(other, Value):
        return one.join(other, "multiply")
    if isinstance(one, Value):
        return one.affine(_f32(other))
    if isinstance(other, Value):
        return other.affine(_f32(one))
    raise Unsupported("none of its arguments depends on the input", todo=_EVAL)


def _divide(node):
    if isinstance(node.get("other"), Value):
        return node.value("self").join(node.get("other"), "divide")
    divisor = np.asarray(_f32(node.constant("other")), np.float64)
    if not divisor.all():
        raise CelosiaError("division by zero")
    return node.value("self").affine(_f32(1 / divisor))


def _f32(value) -> np.ndarray:
    """As float32 holds it: PyTorch's own numbers are Python's."""
    return np.asarray(value).astype(np.float32).astype(np.float64)


def _softmax(log: bool):
    return lambda node: node.value("self").softmax(node.get("dim"), log)


def _unary(name: str, **parameters: float):
    """A function of `FORMULAS`, with ATen's names and defaults of its parameters."""

    def handler(node):
        values = (node.number(key, default) for key, default in parameters.items())
        return node.value("self").apply(function(name, *values))

    return handler


def _clip(low_name: str, high_name: str, low=-math.inf, high=math.inf):
    def handler(node):
        limits = node.number(low_name, low), node.number(high_name, high)
        return node.value("self").apply(clip(*limits))

    return handler


def _fixed(low: float, high: float = math.inf):
    return lambda node: node.value("self").apply(clip(low, high))


def _gelu(node):
    tanh = node.get("approximate", "none") == "tanh"
    return node.value("self").apply(function("gelu_tanh" if tanh else "gelu"))


def _elu(node):
    if node.number("scale", 1) != 1 or node.number("input_scale", 1) != 1:
        raise Unsupported("an ELU with scales")
    return node.value("self").apply(function("elu", node.number("alpha", 1)))


def _softplus(node):
    # PyTorch's threshold only avoids overflow, which the formula here does not have.
    return node.value("self").apply(function("softplus", node.number("beta", 1)))


def _hard_sigmoid(node):
    return node.value("self").apply(function("hard_sigmoid", 1 / 6, 0.5))


def _selu(node):
    parameters = 1.6732632423543772, 1.0507009873554805
    return node.value("self").apply(function("selu", *parameters))


#: ATen operator with its overload: handler of a node.
OPERATORS = {
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
    "mul.Tensor": _multiply,
    "mul_.Tensor": _multiply,
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
