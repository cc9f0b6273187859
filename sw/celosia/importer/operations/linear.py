"""Linear layers: matrix products of values with constant weights."""

from math import prod

import numpy as np

from celosia.importer.values import Base, Value
from celosia.network.float_layers import FloatDense
from celosia.support.errors import CelosiaError, Unsupported

from .constants import Operand, finite, is_constant
from .convolution import convolution
from .shapes import reshape

__all__ = ["linear", "matmul"]


def linear(x: Operand, weights: Operand, bias: Operand | None = None) -> Operand:
    """``x @ weights + bias`` over the last axis, with weights [K, N] and bias [N].

    Of a map, whose last axis holds the channels, it is a convolution of single pixels.

    Raises
    ------
    CelosiaError : the shapes do not fit.
    Unsupported : the weights depend on the model's input.
    """
    if isinstance(weights, Value) or isinstance(bias, Value):
        raise Unsupported("its weights depend on the model's input")
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2:
        raise Unsupported(f"weights of {list(weights.shape)}, not a matrix")
    n = weights.shape[1]
    try:
        total = np.zeros(n) + (0 if bias is None else np.asarray(bias, np.float64).reshape(-1))
    except ValueError:
        total = np.zeros(0)
    if total.shape != (n,):
        raise CelosiaError(f"a bias of {list(np.shape(np.asarray(bias)))} does not fit {n} outputs")
    if not isinstance(x, Value):
        return finite(np.asarray(x, np.float64) @ weights + total).astype(np.float32)
    if not x.shape or weights.shape[0] != x.shape[-1]:
        raise CelosiaError(f"weights {list(weights.shape)} do not take an input of {list(x.shape)}")
    if not (np.isfinite(weights).all() and np.isfinite(total).all()):
        raise CelosiaError("a constant is not a finite number")
    if x.shape[-1] != x.width:
        pixels = weights.T.reshape(n, -1, *(1 for _ in x.shape[:-1]))
        return convolution(x, pixels, total, channels_first=False)
    return _dense(x, weights, total)


def _dense(x: Value, weights: np.ndarray, bias: np.ndarray) -> Value:
    walk, source = x.walk, x.tensor
    walk.budget.spend(2 * weights.size)
    base, order = source[0], x.order.ravel()
    if not np.array_equal(order, np.arange(base.width)):
        walk.budget.spend(base.width * weights.shape[1])
        rows = np.zeros((base.width, weights.shape[1]))
        np.add.at(rows, order, weights)
        weights = rows
    parameters = {"weights": weights, "bias": bias, "input_shape": base.shape}
    n = weights.shape[1]
    made = Base(FloatDense, (1, 1, n), (source,), parameters, walk.where)
    return Value.of(walk, made, np.arange(n).reshape(1, *x.shape[:-1], n))


def matmul(one: Operand, other: Operand) -> Operand:
    """``one @ other``, of which the second is a constant matrix or vector."""
    if is_constant(one, other):
        return finite(np.matmul(np.asarray(one, np.float64), np.asarray(other))).astype(np.float32)
    if isinstance(other, Value):
        kind = "two tensors" if isinstance(one, Value) else "a constant and a tensor"
        raise Unsupported(f"a product of {kind}", todo="only constant weights run")
    weights = np.asarray(other)
    if weights.ndim > 2 and prod(weights.shape[:-2]) == 1:
        weights = weights.reshape(weights.shape[-2:])
    if weights.ndim == 1:
        product = linear(one, weights[:, None])
        assert isinstance(product, Value)
        return reshape(product, [-1, *product.shape[:-1]])
    return linear(one, weights)
