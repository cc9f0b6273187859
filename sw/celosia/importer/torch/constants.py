"""ATen's operators of constants alone: norms of weights, and tensors of one number."""

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.elementwise import number
from celosia.support.errors import CelosiaError, Unsupported

from .node import DTYPES, Handler, Node

__all__ = ["CONSTANTS"]


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


def _full(node: Node) -> np.ndarray:
    node.ignore("size", "dtype", "layout", "device", "pin_memory", "memory_format", "self")
    value, sizes = node.get("fill_value", 0.0), node.sizes()
    value = 1.0 if node.operator.startswith("ones") else value
    if run.BATCH in sizes:
        sizes = [1, *sizes[1:]]
    if run.BATCH in sizes or np.prod(sizes, dtype=float) > 1 << 16:
        raise Unsupported(f"a constant of shape {sizes[:8]}")
    return np.full(sizes, number(np.asarray(value), "value"), DTYPES.get(node.dtype, "<f4"))


#: ATen operator with its overload -> handler.
CONSTANTS: dict[str, Handler] = {
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
}
