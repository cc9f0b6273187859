"""Constants of a file: arrays that do not depend on the model's input."""

import numpy as np

from celosia.importer.guard import Budget
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

__all__ = [
    "BATCH",
    "Array",
    "Operand",
    "cast",
    "finite",
    "is_constant",
    "plain",
    "spend",
]

Array = np.ndarray | np.generic
Operand = Value | Array

#: In place of the size of the batch, which no file knows, in constants made of shapes. Moving it
#: is all that can be done with it.
BATCH = -(1 << 31) + 57
#: Axes of a constant at most.
_MOST_AXES = 8


def is_constant(*operands: object) -> bool:
    """Whether none of ``operands`` depends on the model's input."""
    return not any(isinstance(each, Value) for each in operands)


def plain(array: Array) -> np.ndarray:
    """``array``, of which something is to be computed.

    Raises
    ------
    Unsupported : the size of the batch is among its numbers.
    """
    array = np.asarray(array)
    if array.dtype.kind in "iu" and array.size and (array == BATCH).any():
        raise Unsupported(
            "it computes with the size of the batch", todo="export the model for one image"
        )
    return array


def finite(array: np.ndarray) -> np.ndarray:
    """``array`` if all its numbers are finite.

    Raises
    ------
    CelosiaError : one is not.
    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise CelosiaError("its result is not finite")
    return array


def cast(array: Array, dtype: type | np.dtype | str) -> np.ndarray:
    """``array`` in another type, rounded as NumPy does. Sizes of batches stay what they are."""
    dtype = np.dtype(dtype)
    batch = array.dtype.kind in "iu" and (array == BATCH).any()
    if batch and not (dtype.kind == "i" and dtype.itemsize >= 4):
        plain(array)
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(dtype)


def spend(budget: Budget, array: np.ndarray) -> np.ndarray:
    """``array``, charged to ``budget``.

    Raises
    ------
    CelosiaError : it has more than 8 axes, or the budget is spent.
    """
    if array.ndim > _MOST_AXES:
        raise CelosiaError(f"{array.ndim} axes are more than {_MOST_AXES}")
    budget.spend(array.size)
    return array
