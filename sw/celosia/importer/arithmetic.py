"""Arithmetic of values and constants, the same in every format that has operators for it."""

import numpy as np
from numpy.typing import ArrayLike

from celosia.support.errors import CelosiaError, Unsupported

from .values import Value

__all__ = ["SELU", "add", "batch_norm", "divide", "multiply", "norm_factors"]

#: (alpha, scale) of SELU, from Klambauer et al., "Self-Normalizing Neural Networks", 2017.
SELU = 1.6732632423543772, 1.0507009873554805

_CONSTANT = "none of its operands depends on the model's input"


def add(one: Value | np.ndarray, other: Value | np.ndarray, factor: float = 1.0) -> Value:
    """``one + factor * other``, where at least one of the two is a `Value`."""
    if isinstance(one, Value) and isinstance(other, Value):
        return one.join(other if factor == 1 else other.affine(factor), "add")
    if isinstance(one, Value):
        return one.affine(1.0, factor * np.asarray(other))
    if isinstance(other, Value):
        return other.affine(factor, one)
    raise Unsupported(_CONSTANT)


def multiply(one: Value | np.ndarray, other: Value | np.ndarray) -> Value:
    """``one * other``, where at least one of the two is a `Value`."""
    if isinstance(one, Value) and isinstance(other, Value):
        return one.join(other, "multiply")
    if isinstance(one, Value):
        return one.affine(np.asarray(other))
    if isinstance(other, Value):
        return other.affine(one)
    raise Unsupported(_CONSTANT)


def divide(one: Value, other: Value | np.ndarray) -> Value:
    """``one / other``.

    A constant's reciprocal is rounded to float32, so that x / 255 equals x * (1 / 255), as other
    formats write it.

    Raises
    ------
    CelosiaError : a constant divisor has a 0.
    """
    if isinstance(other, Value):
        return one.join(other, "divide")
    divisor = np.asarray(other, np.float64)
    if not divisor.all():
        raise CelosiaError("division by zero")
    return one.affine((1 / divisor).astype(np.float32))


def batch_norm(
    value: Value,
    mean: np.ndarray,
    variance: np.ndarray,
    gamma: np.ndarray | None = None,
    beta: np.ndarray | None = None,
    epsilon: float = 0.0,
    along: tuple[int, ...] | None = None,
) -> Value:
    """``gamma * (value - mean) / sqrt(variance + epsilon) + beta``, by `norm_factors`.

    Parameters
    ----------
    mean, variance, gamma, beta : one number per channel; gamma is 1 and beta 0 when None.
    along : the shape that lays a vector along the channels; None: channels are the first axis
        after the batch.
    """
    if along is None:
        along = (-1,) + (1,) * (len(value.shape) - 1)
    scale, shift = norm_factors(mean, variance, gamma, beta, epsilon)
    return value.affine(scale.reshape(along), shift.reshape(along))


def norm_factors(
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalization as ``scale * x + shift``: ``scale = gamma / sqrt(variance + epsilon)``,
    ``shift = beta - mean * scale``, in float64 with ``epsilon`` rounded to float32.

    Raises
    ------
    CelosiaError : the parameters differ in shape, or a variance with epsilon is not positive.
    """
    mean, variance = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    gamma = np.asarray(1 if gamma is None else gamma, np.float64)
    beta = np.asarray(0 if beta is None else beta, np.float64)
    if len({each.shape for each in (mean, variance, gamma, beta) if each.ndim}) != 1:
        raise CelosiaError("its parameters differ in shape")
    wide = variance + np.float64(np.float32(epsilon))
    if not (wide > 0).all():
        raise CelosiaError("a variance is not positive", todo="train the model again")
    scale = gamma / np.sqrt(wide)
    return np.asarray(scale), np.asarray(beta - mean * scale)
