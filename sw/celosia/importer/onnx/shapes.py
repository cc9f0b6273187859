"""ONNX's operators that only move data."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.values import Value
from celosia.support.errors import Unsupported

from .call import Call

__all__ = ["SHAPES"]


def _shape(call: Call) -> np.ndarray:
    sizes = run.shape_of(call.operand())
    start = call.integer("start", 0)
    return sizes[start : call.integer("end", len(sizes)) if call.has("end") else None]


def _flatten(call: Call) -> Any:
    x, axis = call.operand(), call.integer("axis", 1)
    rank = len(x.shape) + isinstance(x, Value)
    if isinstance(x, Value):
        if axis not in (1, 1 - rank):
            raise Unsupported(f"attribute axis = {axis} is not supported, only 1")
        return run.flatten(x)
    sizes = list(x.shape)
    axis = axis % rank if axis < 0 else axis
    return run.reshape(x, [int(np.prod(sizes[:axis])), -1])


def _reshape(call: Call) -> Any:
    x = call.operand()
    given = call.integers("shape") if call.opset < 5 and call.has("shape") else call.array(1)
    target = [int(each) for each in np.ravel(given)]
    if call.integer("allowzero", 0) and 0 in target:
        raise Unsupported("attribute allowzero = 1 is not supported")
    known = run.shape_of(x).tolist()
    return run.reshape(x, [known[k] if n == 0 and k < len(known) else n
                           for k, n in enumerate(target)])  # fmt: skip


def _expand(call: Call) -> Any:
    """Only what leaves a value as it is; constants as NumPy broadcasts them."""
    x, sizes = call.operand(), [int(each) for each in np.ravel(call.array(1))]
    if isinstance(x, Value):
        known = run.shape_of(x).tolist()
        if len(sizes) > len(known) or any(
            n not in (1, run.BATCH, own) for n, own in zip(sizes[::-1], known[::-1], strict=False)
        ):
            raise Unsupported(f"of {list(x.shape)}")
        return x
    if np.prod(sizes, dtype=float) > 8 * x.size + 1024:
        raise Unsupported(f"a constant of {list(x.shape)} to {sizes[:8]}")
    return x * np.ones(sizes, x.dtype)


def _slice(call: Call) -> Any:
    x = call.operand()
    if call.has("starts"):
        starts, ends, axes = (call.integers(key) for key in ("starts", "ends", "axes"))
        steps: list[int] = []
    else:
        starts, ends, axes, steps = (_list(call, index) for index in (1, 2, 3, 4))
    axes, steps = axes or list(range(len(starts))), steps or [1] * len(starts)
    parts = {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # "To the first" cannot be written otherwise.
        last = None if step < 0 and end < -(1 << 31) else end
        parts[axis] = slice(start, last, step)
    return run.slices(x, parts)


def _list(call: Call, index: int) -> list[int]:
    """The integers of an input; none where it is left out."""
    given = call.optional(index)
    return [] if given is None else [int(each) for each in np.ravel(given)]


def _split(call: Call) -> list[Any]:
    x, axis = call.operand(), call.integer("axis", 0)
    given = call.optional(1)
    sizes = call.integers("split") if given is None else np.ravel(given).tolist()
    total = run.shape_of(x)[axis]
    if not sizes:
        many = call.integer("num_outputs", len(call.node.outputs))
        size = -(-int(total) // max(many, 1))
        sizes = [size] * (many - 1) + [int(total) - size * (many - 1)]
    return run.split(x, sizes, axis)


def _squeeze(call: Call) -> Any:
    return run.squeeze(call.operand(), call.axes())


#: Operator -> handler.
SHAPES: dict[str, Callable[[Call], Any]] = {
    "Shape": _shape,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Expand": _expand,
    "Squeeze": _squeeze,
    "Unsqueeze": lambda call: run.expand_dims(call.operand(), call.axes() or []),
    "Transpose": lambda call: run.transpose(
        call.operand(), call.integers("perm") if call.has("perm") else None
    ),
    "Slice": _slice,
    "Split": _split,
    "Gather": lambda call: run.gather(call.operand(0), call.array(1), call.integer("axis", 0)),
    "Concat": lambda call: run.concatenate(call.operands, call.integer("axis", 1)),
}
