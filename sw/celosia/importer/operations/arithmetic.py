"""Arithmetic of values and constants."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from celosia.importer.values import Base, Value
from celosia.network.float_layers import FloatAdd
from celosia.network.functions import clip
from celosia.support.errors import CelosiaError, Unsupported

from .constants import Operand, finite, is_constant, plain
from .elementwise import apply, combine, number, uniform

__all__ = [
    "add",
    "batch_norm",
    "compare",
    "divide",
    "maximum",
    "minimum",
    "multiply",
    "norm_factors",
    "power",
    "subtract",
    "where",
]


def computed(f: Callable[..., np.ndarray], *arrays: Operand) -> np.ndarray:
    """``f`` of constants, in the type of the first that is no Boolean.

    Raises
    ------
    CelosiaError : their shapes do not fit, or the result is not finite.
    """
    plains = [plain(np.asarray(each)) for each in arrays]
    with np.errstate(all="ignore"):
        try:
            shape = np.broadcast_shapes(*(each.shape for each in plains))
            if math.prod(shape) > 8 * max(each.size for each in plains) + 1024:
                raise Unsupported(f"constants that become {list(shape)}")
            return finite(np.asarray(f(*plains)))
        except ValueError as error:
            shapes = " and ".join(str(list(each.shape)) for each in plains)
            raise CelosiaError(f"constants of {shapes} do not fit") from error


def _typed(f: Callable[..., np.ndarray], one: Operand, other: Operand) -> np.ndarray:
    dtype = np.result_type(np.asarray(one), np.asarray(other))
    return computed(f, one, other).astype(dtype)


def add(one: Operand, other: Operand) -> Operand:
    """``one + other``; of two branches of the graph, a layer."""
    if is_constant(one, other):
        return _typed(np.add, one, other)
    if isinstance(one, Value) and isinstance(other, Value):
        joined = one.join(other, "add")
        return _sum(one, other) if joined is None else joined
    if isinstance(one, Value):
        return one.affine(1.0, np.asarray(other))
    assert isinstance(other, Value)
    return other.affine(1.0, np.asarray(one))


def _sum(one: Value, other: Value) -> Value:
    """A layer that adds two maps."""
    sources = one.tensor, other.tensor
    (first, _), (second, _) = sources
    if one.shape != other.shape:
        raise Unsupported(f"it adds branches of {list(one.shape)} and {list(other.shape)}")
    if first.shape != second.shape or not np.array_equal(one.order, other.order):
        raise Unsupported("it adds branches whose values are in different orders")
    base = Base(FloatAdd, first.shape, sources, {"input_shape": first.shape}, one.walk.where)
    return Value.of(one.walk, base, one.order)


def subtract(one: Operand, other: Operand) -> Operand:
    """``one - other``."""
    if is_constant(one, other):
        return _typed(np.subtract, one, other)
    negative = other.affine(-1.0) if isinstance(other, Value) else -plain(np.asarray(other))
    return add(one, negative)


def multiply(one: Operand, other: Operand) -> Operand:
    """``one * other``."""
    if is_constant(one, other):
        return _typed(np.multiply, one, other)
    if isinstance(one, Value) and isinstance(other, Value):
        return combine("multiply", one, other, what="it multiplies")
    value, factor = (one, other) if isinstance(one, Value) else (other, one)
    assert isinstance(value, Value)
    return value.affine(np.asarray(factor))


def divide(one: Operand, other: Operand, whole: bool = False) -> Operand:
    """``one / other``.

    A constant's reciprocal is rounded to float32, so that x / 255 equals x * (1 / 255), as other
    formats write it.

    Parameters
    ----------
    whole : constant integers give an integer, rounded towards zero.

    Raises
    ------
    CelosiaError : a constant divisor has a 0.
    """
    if not isinstance(other, Value) and not np.asarray(other).all():
        raise CelosiaError("division by zero")
    if is_constant(one, other):
        dtype = np.result_type(np.asarray(one), np.asarray(other))
        exact = computed(np.true_divide, one, other)
        return np.trunc(exact).astype(dtype) if whole and dtype.kind in "iu" else exact
    if not isinstance(other, Value):
        assert isinstance(one, Value)
        return one.affine((1 / np.asarray(plain(other), np.float64)).astype(np.float32))
    return combine("divide", one, other, what="it divides")


def power(base: Operand, exponent: Operand) -> Operand:
    """``base ** exponent``, one of them a constant."""
    if is_constant(base, exponent):
        return _typed(np.power, base, exponent)
    if isinstance(exponent, Value):
        logarithm = math.log(max(number(base, "base"), 1e-300))
        return apply(exponent.affine(logarithm), "exp")
    value = number(exponent, "exponent")
    if value == 1:
        return base
    special = {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal", -0.5: "rsqrt"}
    return apply(base, special[value]) if value in special else apply(base, "power", value)


def _extreme(name: str, one: Operand, other: Operand) -> Operand:
    if is_constant(one, other):
        return _typed(getattr(np, name), one, other)
    if isinstance(one, Value) and isinstance(other, Value):
        return combine(name, one, other, what="it compares")
    value, limit = (one, other) if isinstance(one, Value) else (other, one)
    assert isinstance(value, Value)
    edge = number(limit, "limit")
    return value.apply(clip(edge) if name == "maximum" else clip(-math.inf, edge))


def maximum(one: Operand, other: Operand) -> Operand:
    """The larger of each two."""
    return _extreme("maximum", one, other)


def minimum(one: Operand, other: Operand) -> Operand:
    """The smaller of each two."""
    return _extreme("minimum", one, other)


#: Comparison -> name of the formula, whether its arguments are swapped, and NumPy's function.
_COMPARISONS: dict[str, tuple[str, bool, Callable[..., np.ndarray]]] = {
    ">": ("greater", False, np.greater),
    ">=": ("greater_equal", False, np.greater_equal),
    "<": ("greater", True, np.less),
    "<=": ("greater_equal", True, np.less_equal),
    "==": ("equal", False, np.equal),
}


def compare(one: Operand, sign: str, other: Operand) -> Operand:
    """``one sign other``: Booleans of constants; of values 1.0 where it holds, else 0.0."""
    name, swapped, constant = _COMPARISONS[sign]
    if is_constant(one, other):
        return computed(constant, one, other)
    operands = (other, one) if swapped else (one, other)
    return combine(name, *operands, what="it compares")


def where(condition: Operand, one: Operand, other: Operand) -> Operand:
    """``one`` where ``condition`` is not 0, else ``other``."""
    if is_constant(condition):
        decided = uniform(np.asarray(condition))
        if decided is not None and not is_constant(one, other):
            return one if decided else other
        if is_constant(one, other):
            return computed(np.where, condition, one, other)
        raise Unsupported("a constant condition that holds for some values only")
    return combine("where", condition, one, other, what="it chooses between")


def batch_norm(
    x: Operand,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 0.0,
    axis: int = 1,
) -> Value:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, folded into one affine step.

    Parameters
    ----------
    mean, variance, gamma, beta : one number for each channel; gamma is 1 and beta 0 when None.
    axis : of the channels; axis 0 is the batch.

    Raises
    ------
    CelosiaError : as `norm_factors`, or there is no such axis.
    """
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    rank = len(x.shape) + 1
    if not -rank <= axis < rank or axis % rank == 0:
        raise Unsupported(f"axis {axis} of {rank}")
    scale, shift = norm_factors(mean, variance, gamma, beta, epsilon)
    along = [1] * rank
    along[axis] = -1
    return x.affine(scale.reshape(along), shift.reshape(along))


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
