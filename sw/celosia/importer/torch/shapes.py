"""ATen's operators that only move data."""

from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.values import Value
from celosia.support.errors import Unsupported

from .node import Handler, Node

__all__ = ["SHAPES"]


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


def _size(node: Node) -> int:
    return int(run.shape_of(node.operand())[int(node.number("dim", 0))])


#: ATen operator with its overload -> handler.
SHAPES: dict[str, Handler] = {
    **dict.fromkeys(
        ("t.default", "numpy_T.default", "permute.default", "transpose.int"), _transpose
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
    "expand.default": _expand,
    "sym_size.int": _size,
    "slice.Tensor": _slice,
    "select.int": _select,
    "index_select.default": lambda node: run.gather(
        node.operand(), node.array("index"), int(node.number("dim", 0))
    ),
    **dict.fromkeys(
        ("split.Tensor", "split.sizes", "split_with_sizes.default", "chunk.default"), _split
    ),
    "unbind.int": _unbind,
    "cat.default": _concatenate,
    "concat.default": _concatenate,
}
