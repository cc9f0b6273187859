"""What operators compute, the same in every format: on values of a model and on its constants.

An operand is a `Value`, which depends on the model's input, or an array, a constant of the file.
What all operands of an operator are constants of is computed at once, so that whatever folds in one
format folds in all of them. Axes are those of the file: of values, axis 0 is the batch.
"""

from .arithmetic import add, batch_norm, divide, maximum, minimum, multiply, power, subtract, where
from .border import pad
from .constants import BATCH, is_constant
from .convolution import convolution
from .elementwise import FUNCTIONS, SELU, apply, prelu
from .linear import linear, matmul
from .pools import adaptive_pool, mean, pool
from .shapes import (
    concatenate,
    expand_dims,
    flatten,
    gather,
    reshape,
    shape_of,
    slices,
    split,
    squeeze,
    transpose,
)
from .windows import Window

__all__ = [
    "BATCH",
    "FUNCTIONS",
    "SELU",
    "Window",
    "adaptive_pool",
    "add",
    "apply",
    "batch_norm",
    "concatenate",
    "convolution",
    "divide",
    "expand_dims",
    "flatten",
    "gather",
    "is_constant",
    "linear",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "multiply",
    "pad",
    "pool",
    "power",
    "prelu",
    "reshape",
    "shape_of",
    "slices",
    "split",
    "squeeze",
    "subtract",
    "transpose",
    "where",
]
