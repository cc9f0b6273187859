"""What each supported ATen operator computes, of values and of constants: `OPERATORS`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.arithmetic import compare
from celosia.importer.operations.constants import cast
from celosia.importer.operations.elementwise import number
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .functions import FUNCTIONS
from .maps import MAPS
from .node import DTYPES, FLOATS, Node, dtype_of

__all__ = ["OPERATORS", "VIEWS", "handler_of"]

#: A node's result: a `Value`, or an array or number that does not depend on the input; or a list.
Handler = Callable[[Node], Any]

#: What to do about operators that only training has: dropout, statistics, counters of batches.
_EVAL = "export model.eval()"


def _linear(node: Node) -> Any:
    weight, bias = node.array("weight"), node.constant("bias")
    return run.linear(node.operand("input"), run.transpose(weight), bias)


def _matmul(node: Node) -> Any:
    second = "mat2" if "mat2" in node.arguments else "other"
    return run.matmul(node.operand(), node.operand(second))


def _addmm(node: Node) -> Any:
    for name in ("alpha", "beta"):
        if node.number(name, 1) != 1:
            raise Unsupported(f"argument {name} = {node.number(name, 1):g} is not supported")
    return run.linear(node.operand("mat1"), node.operand("mat2"), node.operand("self"))


def _batch_norm(node: Node) -> Value:
    mean, variance, gamma, beta = (
        node.constant(name) for name in ("running_mean", "running_var", "weight", "bias")
    )
    if mean is None or variance is None:
        raise Unsupported(
            "it has no running statistics and normalizes by each batch",
            todo="train it with track_running_stats=True",
        )
    if node.get("training") or node.get("train"):
        raise Unsupported("exported in training mode", todo=_EVAL)
    node.ignore("momentum", "cudnn_enabled")
    epsilon = node.number("eps", 1e-5)
    return run.batch_norm(node.operand("input"), mean, variance, gamma, beta, epsilon)


def _dropout(node: Node) -> Any:
    if node.get("train"):
        raise Unsupported("exported in training mode", todo=_EVAL)
    node.ignore("p")
    return node.operand()


def _same(node: Node) -> Any:
    node.ignore("memory_format")
    return node.operand()


def _reshape(node: Node) -> Any:
    """To the shape that the file gives for the result, whatever the arguments' form."""
    node.ignore("size", "shape", "start_dim", "end_dim", "dim", "sizes", "dtype")
    x, sizes = node.operand(), node.sizes()
    if isinstance(x, Value):
        if not sizes or run.BATCH in sizes[1:]:
            raise Unsupported(f"of {list(x.shape)} to a shape without the batch first")
        sizes = [run.BATCH, *sizes[1:]]
    return run.reshape(x, sizes)


def _expand(node: Node) -> Any:
    x, sizes = node.operand(), node.sizes()
    node.ignore("size", "implicit")
    if isinstance(x, Value):
        if tuple(sizes[1:]) != x.shape:
            raise Unsupported(f"of {list(x.shape)} to {sizes[1:]}")
        return x
    if run.BATCH in sizes or np.prod(sizes, dtype=float) > 8 * x.size + 1024:
        raise Unsupported(f"a constant of {list(x.shape)} to {sizes[:8]}")
    return np.broadcast_to(x, sizes).copy()


def _transpose(node: Node) -> Any:
    x = node.operand()
    rank = len(x.shape) + isinstance(x, Value)
    axes = list(range(rank))
    if "dim0" in node.arguments:
        one, other = (int(node.number(name, 0)) for name in ("dim0", "dim1"))
        axes[one], axes[other] = axes[other], axes[one]
    elif "dims" in node.arguments:
        axes = node.integers("dims")
    else:
        axes = axes[::-1]
    return run.transpose(x, axes)


def _cast(node: Node) -> Any:
    """To the type that the file gives for the result."""
    node.ignore("dtype", "layout", "device", "other", "pin_memory", "non_blocking", "copy",
                "memory_format")  # fmt: skip
    x, kind = node.operand(), node.dtype
    if isinstance(x, Value):
        if kind not in FLOATS:
            raise Unsupported(f"to {dtype_of(kind)}; only float32 is computed")
        return x
    return cast(x, np.float32 if kind in FLOATS or kind not in DTYPES else DTYPES[kind])


def _both(f: Callable[[Any, Any], Any]) -> Handler:
    def handler(node: Node) -> Any:
        one, other = node.operand(), node.operand("other")
        if run.is_constant(one, other) and node.operator.partition(".")[0].endswith("_"):
            raise Unsupported("it changes a buffer of the model", todo=_EVAL)
        return f(one, other)

    return handler


def _sum(sign: float) -> Handler:
    """``self + sign * alpha * other``."""

    def handler(node: Node) -> Any:
        factor = node.number("alpha", 1)

        def added(one: Any, other: Any) -> Any:
            other = other if factor == 1 else run.multiply(other, np.float64(factor))
            return run.add(one, other) if sign > 0 else run.subtract(one, other)

        return _both(added)(node)

    return handler


def _reversed_difference(node: Node) -> Any:
    factor = node.number("alpha", 1)
    x = run.multiply(node.operand(), np.float64(factor)) if factor != 1 else node.operand()
    return run.subtract(node.operand("other"), x)


def _divide(node: Node) -> Any:
    if node.get("rounding_mode") is not None:
        raise Unsupported(f"argument rounding_mode = {node.get('rounding_mode')} is not supported")
    return _both(run.divide)(node)


def _compared(sign: str, one: Any, other: Any) -> Any:
    return compare(one, sign, other)


def _power(node: Node) -> Any:
    return run.power(node.operand(), node.operand("exponent"))


def _where(node: Node) -> Any:
    return run.where(node.operand("condition"), node.operand("self"), node.operand("other"))


def _masked_fill(node: Node) -> Any:
    return run.where(node.operand("mask"), node.operand("value"), node.operand("self"))


def _clamp(node: Node) -> Any:
    x = node.operand()
    for name, limit in (("min", run.maximum), ("max", run.minimum)):
        if node.get(name) is not None:
            x = limit(x, node.operand(name))
    return x


def _softmax(log: bool) -> Handler:
    def handler(node: Node) -> Value:
        node.ignore("half_to_float")
        if node.get("dtype") not in (None, *FLOATS):
            raise Unsupported(f"argument dtype = {dtype_of(node.get('dtype'))} is not supported")
        return node.value().softmax(node.get("dim"), log)

    return handler


def _slice(node: Node) -> Any:
    axis, step = int(node.number("dim", 0)), int(node.number("step", 1))
    start, end = node.get("start"), node.get("end")
    return run.slices(node.operand(), {axis: slice(start, end, step)})


def _select(node: Node) -> Any:
    axis, index = int(node.number("dim", 0)), int(node.number("index", 0))
    return run.gather(node.operand(), np.array(index), axis)


def _split(node: Node) -> list[Any]:
    x, axis = node.operand(), int(node.number("dim", 0))
    total = run.shape_of(x)[axis]
    if "chunks" in node.arguments:
        size = -(-int(total) // max(int(node.number("chunks", 1)), 1))
    elif "split_sizes" in node.arguments or len(node.integers("split_size")) > 1:
        name = "split_sizes" if "split_sizes" in node.arguments else "split_size"
        return run.split(x, node.integers(name), axis)
    else:
        (size,) = node.integers("split_size")
    if not 0 < size <= total or total == run.BATCH:
        raise Unsupported(f"along axis {axis} in parts of {size}")
    whole, rest = divmod(int(total), size)
    return run.split(x, [size] * whole + [rest] * bool(rest), axis)


def _unbind(node: Node) -> list[Any]:
    x, axis = node.operand(), int(node.number("dim", 0))
    total = int(run.shape_of(x)[axis])
    if not 0 < total <= 1 << 10:
        raise Unsupported(f"along axis {axis}")
    return [run.gather(x, np.array(index), axis) for index in range(total)]


def _concatenate(node: Node) -> Any:
    parts = node.get("tensors")
    return run.concatenate(parts if isinstance(parts, list) else [], int(node.number("dim", 0)))


def _weight_norm(node: Node) -> list[np.ndarray]:
    """``v * (g / |v|)``, the norm over all axes but ``dim``."""
    v, g, axis = node.array("v"), node.array("g"), int(node.number("dim", 0))
    others = tuple(k for k in range(v.ndim) if k != axis % v.ndim)
    norm = np.sqrt(np.square(v.astype(np.float64)).sum(others, keepdims=True))
    if not norm.all():
        raise CelosiaError("weights of norm 0")
    return [(v * (g / norm)).astype(v.dtype), norm]


def _norm(node: Node) -> np.ndarray:
    name = "ord" if "ord" in node.arguments else "p"
    x, power = node.array(node.first), node.get(name, 2)
    if power not in (None, 2):
        raise Unsupported(f"argument {name} = {power} is not supported")
    axes, keep = node.integers("dim"), bool(node.get("keepdim"))
    return np.sqrt(np.square(x.astype(np.float64)).sum(tuple(axes), keepdims=keep)).astype(x.dtype)


def _prelu(node: Node) -> Any:
    slopes = node.array("weight").reshape(-1)
    x = node.operand()
    if len(slopes) > 1 and isinstance(x, Value):
        slopes = slopes.reshape(-1, *(1 for _ in x.shape[1:]))
    return run.prelu(x, slopes)


def _full(node: Node) -> np.ndarray:
    node.ignore("size", "dtype", "layout", "device", "pin_memory", "memory_format", "self")
    value, sizes = node.get("fill_value", 0.0), node.sizes()
    value = 1.0 if node.operator.startswith("ones") else value
    if run.BATCH in sizes:
        sizes = [1, *sizes[1:]]
    if run.BATCH in sizes or np.prod(sizes, dtype=float) > 1 << 16:
        raise Unsupported(f"a constant of shape {sizes[:8]}")
    return np.full(sizes, number(np.asarray(value), "value"), DTYPES.get(node.dtype, "<f4"))


def _size(node: Node) -> int:
    return int(run.shape_of(node.operand())[int(node.number("dim", 0))])


def _nothing(node: Node) -> None:
    for name in list(node.arguments):
        node.ignore(name)


#: Operators whose result is the same memory as their first argument.
VIEWS = (
    "alias detach view _unsafe_view reshape flatten squeeze unsqueeze unflatten t numpy_T permute "
    "transpose expand slice select split split_with_sizes chunk unbind contiguous to "
    "dropout alpha_dropout feature_dropout lift_fresh view_as"
).split()

#: ATen operator with its overload -> handler. Forms in place, such as ``relu_.default``, are those
#: without the underscore.
OPERATORS: dict[str, Handler] = {
    "linear.default": _linear,
    **dict.fromkeys(("matmul.default", "mm.default", "bmm.default"), _matmul),
    "addmm.default": _addmm,
    **dict.fromkeys(
        ("t.default", "numpy_T.default", "permute.default", "transpose.int"), _transpose
    ),
    **dict.fromkeys(
        ("batch_norm.default", "_native_batch_norm_legit_no_training.default"), _batch_norm
    ),
    **dict.fromkeys(
        (
            "dropout.default",
            "alpha_dropout.default",
            "feature_dropout.default",
            "feature_alpha_dropout.default",
        ),
        _dropout,
    ),
    **dict.fromkeys(
        (
            "alias.default",
            "clone.default",
            "contiguous.default",
            "detach.default",
            "lift_fresh.default",
            "lift_fresh_copy.default",
        ),
        _same,
    ),
    **dict.fromkeys(
        (
            "to.dtype",
            "to.dtype_layout",
            "to.device",
            "to.other",
            "_to_copy.default",
            "type_as.default",
        ),
        _cast,
    ),
    **dict.fromkeys(
        (
            "flatten.using_ints",
            "reshape.default",
            "view.default",
            "_unsafe_view.default",
            "squeeze.default",
            "squeeze.dim",
            "squeeze.dims",
            "unsqueeze.default",
            "unflatten.int",
        ),
        _reshape,
    ),
    **dict.fromkeys(("expand.default",), _expand),
    "sym_size.int": _size,
    **dict.fromkeys(("add.Tensor", "add.Scalar"), _sum(1.0)),
    **dict.fromkeys(("sub.Tensor", "sub.Scalar"), _sum(-1.0)),
    **dict.fromkeys(("rsub.Scalar", "rsub.Tensor"), _reversed_difference),
    **dict.fromkeys(("mul.Tensor", "mul.Scalar"), _both(run.multiply)),
    **dict.fromkeys(("div.Tensor", "div.Scalar", "div.Tensor_mode", "true_divide.Tensor"), _divide),
    **dict.fromkeys(("pow.Tensor_Scalar", "pow.Tensor_Tensor", "pow.Scalar"), _power),
    **dict.fromkeys(("maximum.default", "max.other"), _both(run.maximum)),
    **dict.fromkeys(("minimum.default", "min.other"), _both(run.minimum)),
    **{
        f"{name}.{form}": _both(partial(_compared, sign))
        for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="), ("eq", "=="))
        for form in ("Tensor", "Scalar")
    },
    **dict.fromkeys(
        ("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar"), _where
    ),
    **dict.fromkeys(("masked_fill.Scalar", "masked_fill.Tensor"), _masked_fill),
    **dict.fromkeys(
        (
            "clamp.default",
            "clamp.Tensor",
            "clamp_min.default",
            "clamp_min.Tensor",
            "clamp_max.default",
            "clamp_max.Tensor",
            "clip.default",
        ),
        _clamp,
    ),
    **dict.fromkeys(("softmax.int", "_softmax.default"), _softmax(log=False)),
    **dict.fromkeys(("log_softmax.int", "_log_softmax.default"), _softmax(log=True)),
    "prelu.default": _prelu,
    "_prelu_kernel.default": _prelu,
    "slice.Tensor": _slice,
    "select.int": _select,
    "index_select.default": lambda node: run.gather(
        node.operand(), node.array("index"), int(node.number("dim", 0))
    ),
    **dict.fromkeys(
        (
            "split.Tensor",
            "split.sizes",
            "split_with_sizes.default",
            "chunk.default",
        ),
        _split,
    ),
    "unbind.int": _unbind,
    "cat.default": _concatenate,
    "concat.default": _concatenate,
    **dict.fromkeys(("_weight_norm_interface.default", "_weight_norm.default"), _weight_norm),
    **dict.fromkeys(("norm.ScalarOpt_dim", "linalg_vector_norm.default"), _norm),
    **dict.fromkeys(
        (
            "full.default",
            "zeros.default",
            "ones.default",
            "full_like.default",
            "zeros_like.default",
            "ones_like.default",
        ),
        _full,
    ),
    "_assert_tensor_metadata.default": _nothing,
    **MAPS,
    **FUNCTIONS,
}


def handler_of(operator: str) -> tuple[Handler | None, bool]:
    """The handler of an operator, and whether it changes its first argument in place."""
    name, _, overload = operator.partition(".")
    if name.endswith("_") and not name.startswith("__"):
        return OPERATORS.get(f"{name[:-1]}.{overload}"), True
    return OPERATORS.get(operator), False
