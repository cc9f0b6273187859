"""Operators on constants, as exporters leave them in files: on weights, and on shapes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported

from .proto import Node

__all__ = ["CONSTANT_OPERATORS", "along", "axes_of"]

#: A node's inputs; None for one that is left out.
_Arrays = list[Any]

#: TensorProto.DataType -> NumPy's type, of those that Cast supports.
_CAST = {1: "f4", 6: "i4", 7: "i8", 11: "f8"}


_Handler = Callable[[Node, _Arrays], np.ndarray]


def along(vector: np.ndarray, ndim: int, axis: int) -> np.ndarray:
    """``vector`` shaped to broadcast along ``axis`` of ``ndim`` axes; () when it has one value.

    Raises
    ------
    Unsupported : it has several axes, or there is no such axis.
    """
    if vector.size == 1:
        return vector.reshape(())
    if vector.ndim != 1 or not -ndim <= axis < ndim:
        raise Unsupported(f"scales of shape {list(vector.shape)} along axis {axis}")
    shape = [1] * ndim
    shape[axis] = -1
    return vector.reshape(shape)


def axes_of(node: Node, arrays: _Arrays, index: int = 1) -> list[int] | None:
    """The axes of a Squeeze or Unsqueeze; None when they are left out.

    Before operator set 13 they are an attribute, since then input ``index``.
    """
    if len(arrays) > index and arrays[index] is not None:
        return [int(each) for each in np.ravel(arrays[index])]
    return node.attributes.get("axes")


def _constant(node: Node, arrays: _Arrays) -> np.ndarray:
    for key in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if node.attributes.get(key) is not None:
            value = np.asarray(node.attributes[key])
            return value.astype(np.float32) if "float" in key else value
    raise Unsupported("a constant that is not a number")


def _cast(node: Node, arrays: _Arrays) -> np.ndarray:
    if node.attributes.get("to") not in _CAST:
        raise Unsupported(f"to data type {node.attributes.get('to')}")
    with np.errstate(all="ignore"):
        return arrays[0].astype(_CAST[node.attributes["to"]])


def _reshape(node: Node, arrays: _Arrays) -> np.ndarray:
    shape = [int(each) for each in np.ravel(arrays[1])]
    return arrays[0].reshape([arrays[0].shape[k] if n == 0 else n for k, n in enumerate(shape)])


def _squeeze(node: Node, arrays: _Arrays) -> np.ndarray:
    axes = axes_of(node, arrays)
    return np.squeeze(arrays[0], None if axes is None else tuple(axes))


def _unsqueeze(node: Node, arrays: _Arrays) -> np.ndarray:
    axes = axes_of(node, arrays) or []
    if len(axes) > 4:
        raise Unsupported(f"{len(axes)} new axes")
    return np.expand_dims(arrays[0], tuple(axes))


def _dequantize(node: Node, arrays: _Arrays) -> np.ndarray:
    q, scale, *zero = arrays
    axis = node.attributes.get("axis", 1)
    real = q.astype(np.float32)
    if zero and zero[0] is not None:
        real = real - along(zero[0].astype(np.float32), q.ndim, axis)
    return real * along(scale.astype(np.float32), q.ndim, axis)


def _gather(node: Node, arrays: _Arrays) -> np.ndarray:
    data, indices = arrays
    if data.ndim != 1 or indices.ndim > 1 or indices.size > 8:
        raise Unsupported("only elements of a shape can be gathered")
    return data[indices]


def _concat(node: Node, arrays: _Arrays) -> np.ndarray:
    if len(arrays) > 8 or any(each.ndim != 1 or each.size > 8 for each in arrays):
        raise Unsupported("only shapes can be concatenated")
    return np.concatenate(arrays)


def _arithmetic(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> _Handler:
    def handler(node: Node, arrays: _Arrays) -> np.ndarray:
        one, other = arrays
        if one.size != 1 and other.size != 1 and one.shape != other.shape:
            raise Unsupported(f"constants of unequal shapes {list(one.shape)}, {list(other.shape)}")
        with np.errstate(all="ignore"):
            result = function(one, other).astype(one.dtype)
        if not np.isfinite(result).all():
            raise CelosiaError("its result is not finite")
        return result

    return handler


#: Operator -> handler, which computes the result.
CONSTANT_OPERATORS: dict[str, _Handler] = {
    "Constant": _constant,
    "Identity": lambda node, arrays: arrays[0],
    "Cast": _cast,
    "Transpose": lambda node, arrays: np.transpose(arrays[0], node.attributes.get("perm")),
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "DequantizeLinear": _dequantize,
    "Gather": _gather,
    "Concat": _concat,
    "Add": _arithmetic(np.add),
    "Sub": _arithmetic(np.subtract),
    "Mul": _arithmetic(np.multiply),
    "Div": _arithmetic(np.true_divide),
}
