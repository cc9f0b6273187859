"""Functions of one value, by one name each, whatever a format calls them."""

import math
from collections.abc import Callable
from typing import cast

import numpy as np

from celosia.importer.values import Value
from celosia.network.functions import Function, X, clip, function
from celosia.support.errors import Unsupported

from .constants import Array, Operand, finite, is_constant, plain

__all__ = ["FUNCTIONS", "SELU", "apply", "combine", "number", "prelu", "uniform"]

#: (alpha, scale) of SELU, from Klambauer et al., "Self-Normalizing Neural Networks", 2017.
SELU = 1.6732632423543772, 1.0507009873554805

_Maker = Callable[..., Function]


def _named(name: str) -> _Maker:
    return lambda *parameters: function(name, *parameters)


def _erfc() -> Function:
    return function("affine", -1.0, 1.0).of(function("erf"))


def _reciprocal() -> Function:
    return function("divide", args=(constant(1.0), X))


def _rsqrt() -> Function:
    return _reciprocal().of(function("sqrt"))


def _hard_shrink(size: float) -> Function:
    above = function("greater", args=(function("abs"), constant(size)))
    return function("multiply", args=(above, X))


def _soft_shrink(size: float) -> Function:
    return function("add", args=(X, function("affine", -1.0, 0.0).of(clip(-size, size))))


def _shrink(bias: float, size: float) -> Function:
    """``x + bias`` below -size, ``x - bias`` above it, 0 between."""
    above = function("greater", args=(X, constant(size)))
    below = function("greater", args=(constant(-size), X))
    high = function("multiply", args=(above, function("affine", 1.0, -bias)))
    low = function("multiply", args=(below, function("affine", 1.0, bias)))
    return function("add", args=(high, low))


def constant(value: float) -> Function:
    """The function that is ``value`` everywhere."""
    return function("affine", 0.0, value)


#: Name -> the function, made of its parameters: all that a model may apply to single values.
FUNCTIONS: dict[str, _Maker] = {
    **{
        name: _named(name)
        for name in (
            "abs ceil celu cos elu erf exp floor gelu gelu_tanh hard_sigmoid hard_swish "
            "leaky_relu log log_sigmoid mish power round selu sigmoid sign silu sin softplus "
            "softsign sqrt square tanh threshold"
        ).split()
    },
    "clip": clip,
    "erfc": _erfc,
    "expm1": lambda: function("affine", 1.0, -1.0).of(function("exp")),
    "hard_shrink": _hard_shrink,
    "hard_tanh": lambda: clip(-1, 1),
    "identity": lambda: X,
    "log1p": lambda: function("log").of(function("affine", 1.0, 1.0)),
    "log2": lambda: function("affine", 1 / math.log(2), 0.0).of(function("log")),
    "log10": lambda: function("affine", 1 / math.log(10), 0.0).of(function("log")),
    "negative": lambda: function("affine", -1.0, 0.0),
    "not": lambda: function("affine", -1.0, 1.0),
    "reciprocal": _reciprocal,
    "relu": lambda: clip(0),
    "relu6": lambda: clip(0, 6),
    "rsqrt": _rsqrt,
    "selu_default": lambda: function("selu", *SELU),
    "shrink": _shrink,
    "soft_shrink": _soft_shrink,
    "sparse_plus": lambda: function(
        "where",
        args=(
            function("greater", args=(X, constant(1.0))),
            X,
            function("affine", 0.25, 0.0)
            .of(function("square"))
            .of(function("affine", 1.0, 1.0).of(clip(-1))),
        ),
    ),
    "squareplus": lambda b: function("affine", 0.5, 0.0).of(
        function(
            "add", args=(X, function("sqrt").of(function("affine", 1.0, b).of(function("square"))))
        )
    ),
    "tanh_shrink": lambda: function(
        "add", args=(X, function("affine", -1.0, 0.0).of(function("tanh")))
    ),
}


def apply(x: Operand, name: str, *parameters: float) -> Operand:
    """Function ``name`` of `FUNCTIONS` of ``x``; of a constant in float64, in its own type."""
    f = FUNCTIONS[name](*parameters)
    if isinstance(x, Value):
        return x.affine(-1.0) if name == "negative" else x.apply(f)
    array = plain(x)
    with np.errstate(all="ignore"):
        return finite(np.asarray(f(array)).astype(array.dtype))


def uniform(constant: Array) -> float | None:
    """The number that all of a constant are; None when they differ."""
    array = plain(constant)
    if not array.size or array.dtype.kind not in "fiub":
        return None
    first = array.reshape(-1)[0]
    return float(first) if (array == first).all() else None


def number(x: Operand, what: str) -> float:
    """The one number of a constant.

    Raises
    ------
    Unsupported : it depends on the model's input, or holds different numbers.
    """
    value = None if isinstance(x, Value) else uniform(np.asarray(x))
    if value is None:
        raise Unsupported(f"its {what} is not one constant number")
    return value


def combine(name: str, *operands: Operand, what: str) -> Value:
    """The function ``name`` of several operands, which are constants of one number or functions of
    the same values.

    Raises
    ------
    Unsupported : they are not; ``what`` says what it would be then, such as "it multiplies".
    """
    values = [each.settled for each in operands if isinstance(each, Value)]
    first = values[0]
    arguments = []
    for each in operands:
        if isinstance(each, Value):
            one = each.settled
            one.require_no_softmax()
            same = one.base is first.base and one.shape == first.shape
            if not same or not np.array_equal(one.order, first.order):
                raise Unsupported(f"{what} two branches", todo="only sums of branches run")
            arguments.append(one.expression())
        else:
            found = uniform(np.asarray(each))
            if found is None or np.ndim(each) > first.order.ndim:
                raise Unsupported(f"{what} a tensor and a constant of different numbers")
            arguments.append(constant(found))
    return first.expressed(function(name, args=tuple(arguments)))


def prelu(x: Operand, slopes: Operand) -> Operand:
    """``x`` above 0, ``slopes * x`` below; ``slopes`` broadcasts to ``x``."""
    from .arithmetic import add, minimum, multiply  # they build on this module

    if isinstance(slopes, Value):
        raise Unsupported("its slopes depend on the model's input")
    one = uniform(slopes)
    if one is not None:
        return apply(x, "leaky_relu", one)
    if is_constant(x):
        array = cast(np.ndarray, x)
        return np.where(array >= 0, array, slopes * array).astype(array.dtype)
    below = multiply(minimum(x, np.float32(0)), slopes)
    return add(apply(x, "relu"), below)
