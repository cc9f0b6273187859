"""ATen's arithmetic of two values or constants."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.arithmetic import compare
from celosia.support.errors import Unsupported

from .node import EVAL, Handler, Node

__all__ = ["ARITHMETIC"]


def _both(f: Callable[[Any, Any], Any]) -> Handler:
    def handler(node: Node) -> Any:
        one, other = node.operand(), node.operand("other")
        if run.is_constant(one, other) and node.operator.partition(".")[0].endswith("_"):
            raise Unsupported("it changes a buffer of the model", todo=EVAL)
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


#: ATen operator with its overload -> handler.
ARITHMETIC: dict[str, Handler] = {
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
}
