"""Shapes that a file computes, as TensorFlow's converter writes them when the batch stays open.

SHAPE gives what the file says of a tensor, with a batch of 1; what is computed of it is computed
once, by the operators of float files.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported, located

from .floats.call import Call
from .floats.operators import OPERATORS
from .load import TfliteOperator, TfliteTensor
from .operands import INDICES

__all__ = ["SHAPE_OPERATORS", "computed", "with_constants"]

#: Operators on shapes.
SHAPE_OPERATORS = (
    "SHAPE",
    "STRIDED_SLICE",
    "PACK",
    "SLICE",
    "GATHER",
    "CAST",
    "MUL",
    "CONCATENATION",
)
_MOST = 64


def computed(op: TfliteOperator) -> np.ndarray | None:
    """The integers that ``op`` gives if it computes a shape; None for other operators.

    Parameters
    ----------
    op : with all that is known as constants (`with_constants`).

    Raises
    ------
    CelosiaError, Unsupported : as the operators of float files.
    """
    if op.code not in SHAPE_OPERATORS or not op.outputs or op.target.dtype not in INDICES:
        return None
    op.check_options()
    inputs = [each for each in op.inputs if each is not None]
    with located(str(op)):
        if op.code == "SHAPE":
            arguments = [np.zeros(op.source.shape, np.int8)]
        elif all(each.data is not None and each.values.size <= _MOST for each in inputs):
            arguments = [each.values for each in inputs]
        else:
            raise Unsupported("it computes a shape of the model's values")
        found = np.asarray(OPERATORS[op.code](Call(op, list(arguments))))
        if found.size > _MOST or found.dtype.kind not in "iu":
            raise CelosiaError(f"{found.size} values of {found.dtype} are no shape")
    return found.astype(op.target.dtype)


def with_constants(op: TfliteOperator, known: Mapping[int, np.ndarray]) -> TfliteOperator:
    """``op`` with the tensors that are ``known``, by their index, as constants."""
    if not any(each is not None and each.index in known for each in op.inputs):
        return op
    inputs = tuple(_constant(each, known) for each in op.inputs)
    return replace(op, inputs=inputs)


def _constant(tensor: TfliteTensor | None, known: Mapping[int, np.ndarray]) -> TfliteTensor | None:
    if tensor is None or tensor.index not in known:
        return tensor
    values = known[tensor.index]
    return replace(tensor, data=values, shape=values.shape)
