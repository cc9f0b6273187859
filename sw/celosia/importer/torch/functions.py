"""ATen's functions of one value: their names here, and what they call their parameters."""

from typing import Any

from celosia.importer import operations as run
from celosia.support.errors import Unsupported

from .node import EVAL, Handler, Node

__all__ = ["FUNCTIONS"]


def _named(name: str, *constants: float, **parameters: float) -> Handler:
    """Function ``name`` of ``constants``, then of arguments by ATen's names with its defaults."""

    def handler(node: Node) -> Any:
        values = [node.number(key, default) for key, default in parameters.items()]
        return run.apply(node.operand(), name, *constants, *values)

    return handler


def _gelu(node: Node) -> Any:
    form = node.get("approximate", "none")
    if form not in ("none", "tanh"):
        raise Unsupported(f"argument approximate = {form} is not supported")
    return run.apply(node.operand(), "gelu_tanh" if form == "tanh" else "gelu")


def _elu(node: Node) -> Any:
    for name in ("scale", "input_scale"):
        if node.number(name, 1) != 1:
            raise Unsupported(f"argument {name} = {node.number(name, 1):g} is not supported")
    return run.apply(node.operand(), "elu", node.number("alpha", 1))


def _softplus(node: Node) -> Any:
    # PyTorch's threshold only prevents overflow, which the formula here does not have: beyond it
    # the function is x to less than a float32 tells.
    if node.number("threshold", 20) < 15:
        raise Unsupported(f"argument threshold = {node.number('threshold', 20):g} is not supported")
    return run.apply(node.operand(), "softplus", node.number("beta", 1))


def _round(node: Node) -> Any:
    if node.number("decimals", 0):
        raise Unsupported(f"argument decimals = {node.number('decimals', 0):g} is not supported")
    return run.apply(node.operand(), "round")


def _rrelu(node: Node) -> Any:
    """In evaluation the mean of the two slopes."""
    if node.get("training"):
        raise Unsupported("exported in training mode", todo=EVAL)
    node.ignore("generator")
    slope = (node.number("lower", 1 / 8) + node.number("upper", 1 / 3)) / 2
    return run.apply(node.operand(), "leaky_relu", slope)


#: ATen operator with its overload -> handler.
FUNCTIONS: dict[str, Handler] = {
    **{
        f"{name}.default": _named(name)
        for name in (
            "abs ceil cos erf erfc exp expm1 floor log log10 log1p log2 log_sigmoid mish "
            "reciprocal relu relu6 rsqrt sigmoid sign silu sin sqrt square tanh"
        ).split()
    },
    "celu.default": _named("celu", alpha=1.0),
    "elu.default": _elu,
    "gelu.default": _gelu,
    "hardshrink.default": _named("hard_shrink", lambd=0.5),
    "hardsigmoid.default": _named("hard_sigmoid", 1 / 6, 0.5),
    "hardswish.default": _named("hard_swish"),
    "hardtanh.default": _named("clip", min_val=-1.0, max_val=1.0),
    "leaky_relu.default": _named("leaky_relu", negative_slope=0.01),
    "neg.default": _named("negative"),
    "round.default": _round,
    "round.decimals": _round,
    "rrelu.default": _rrelu,
    "selu.default": _named("selu_default"),
    "softplus.default": _softplus,
    "softshrink.default": _named("soft_shrink", lambd=0.5),
    "special_expm1.default": _named("expm1"),
    "threshold.default": _named("threshold", threshold=0.0, value=0.0),
}
