"""What each supported ATen operator computes, of values and of constants: `OPERATORS`."""

from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.constants import cast
from celosia.importer.values import Value
from celosia.support.errors import Unsupported

from .arithmetic import ARITHMETIC
from .constants import CONSTANTS
from .functions import FUNCTIONS
from .maps import MAPS
from .node import DTYPES, EVAL, FLOATS, Handler, Node, dtype_of
from .shapes import SHAPES

__all__ = ["OPERATORS", "VIEWS", "handler_of"]


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
        raise Unsupported("exported in training mode", todo=EVAL)
    node.ignore("momentum", "cudnn_enabled")
    epsilon = node.number("eps", 1e-5)
    return run.batch_norm(node.operand("input"), mean, variance, gamma, beta, epsilon)


def _dropout(node: Node) -> Any:
    if node.get("train"):
        raise Unsupported("exported in training mode", todo=EVAL)
    node.ignore("p")
    return node.operand()


def _same(node: Node) -> Any:
    node.ignore("memory_format")
    return node.operand()


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


def _softmax(log: bool) -> Handler:
    def handler(node: Node) -> Value:
        node.ignore("half_to_float")
        if node.get("dtype") not in (None, *FLOATS):
            raise Unsupported(f"argument dtype = {dtype_of(node.get('dtype'))} is not supported")
        return node.value().softmax(node.get("dim"), log)

    return handler


def _prelu(node: Node) -> Any:
    slopes = node.array("weight").reshape(-1)
    x = node.operand()
    if len(slopes) > 1 and isinstance(x, Value):
        slopes = slopes.reshape(-1, *(1 for _ in x.shape[1:]))
    return run.prelu(x, slopes)


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
    **dict.fromkeys(("softmax.int", "_softmax.default"), _softmax(log=False)),
    **dict.fromkeys(("log_softmax.int", "_log_softmax.default"), _softmax(log=True)),
    "prelu.default": _prelu,
    "_prelu_kernel.default": _prelu,
    "_assert_tensor_metadata.default": _nothing,
    **ARITHMETIC,
    **CONSTANTS,
    **FUNCTIONS,
    **MAPS,
    **SHAPES,
}


def handler_of(operator: str) -> tuple[Handler | None, bool]:
    """The handler of an operator, and whether it changes its first argument in place."""
    name, _, overload = operator.partition(".")
    if name.endswith("_") and not name.startswith("__"):
        return OPERATORS.get(f"{name[:-1]}.{overload}"), True
    return OPERATORS.get(operator), False
