"""Element-wise functions of one tensor as expressions, whatever framework spelled them."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["FORMULAS", "Function", "X", "clip", "from_text", "function", "to_text"]

#: An expression of more parts than this is refused: evaluating it would take too long.
_MOST_PARTS = 64


@dataclass(frozen=True)
class Function:
    """``y = name(*args(x), *params)``, element by element.

    Parameters
    ----------
    name : one of `FORMULAS`, or "x" for the argument itself.
    params : its numbers, as Python floats that float32 holds exactly.
    args : what it is applied to.

    Use `function` to make one: it brings equal functions to one form.
    """

    name: str
    params: tuple[float, ...] = ()
    args: tuple["Function", ...] = ()

    @property
    def parts(self) -> int:
        return 1 + sum(each.parts for each in self.args)

    @property
    def limits(self) -> tuple[float, float] | None:
        """(low, high) when all it does is to clip its argument; the argument itself never."""
        if self.name != "clip" or self.args != (X,):
            return None
        low, high = self.params
        return low, high

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float64 of the shape of ``x``; computed in float64."""
        if self.name == "x":
            return np.asarray(x, np.float64)
        with np.errstate(all="ignore"):
            return FORMULAS[self.name](*(each(x) for each in self.args), *self.params)

    def of(self, inner: "Function") -> "Function":
        """The composition ``self(inner(x))``."""
        if self.name == "x":
            return inner
        return function(self.name, *self.params, args=tuple(each.of(inner) for each in self.args))

    def without_affine(self) -> tuple[float, float, "Function"]:
        """(scale, shift, f) with ``self(x) = f(scale * x + shift)``; (1, 0, self) if that is all.

        An affine part is found where every use of the argument has the same one.
        """
        uses = self._uses()
        if len(uses) != 1 or uses == {(1.0, 0.0)}:
            return 1.0, 0.0, self
        scale, shift = uses.pop()
        return scale, shift, self._replace_affine()

    def _uses(self) -> set[tuple[float, ...]]:
        if self.name == "x":
            return {(1.0, 0.0)}
        if self.name == "affine" and self.args == (X,):
            return {self.params}
        return set().union(*(each._uses() for each in self.args))

    def _replace_affine(self) -> "Function":
        if self.name == "affine" and self.args == (X,):
            return X
        args = tuple(each._replace_affine() for each in self.args)
        return function(self.name, *self.params, args=args)

    @property
    def label(self) -> str:
        """For people: "none" for the argument itself, "relu" for ``clip(0)``, else `str`."""
        return next((label for label, known in _LABELS.items() if known == self), str(self))

    def __str__(self) -> str:
        if self.name == "x":
            return "x"
        return f"{self.name}({', '.join([*map(str, self.args), *(f'{p:g}' for p in self.params)])})"


X = Function("x")


def function(name: str, *params: float, args: tuple[Function, ...] = (X,)) -> Function:
    """The function ``name`` of ``args``, in the one form that all its spellings share.

    Numbers are rounded to float32, as every file format but JSON keeps them; nested clips are one
    clip; ``x * sigmoid(x)`` is silu, ``x * hard_sigmoid(x, 1/6, 1/2)`` is hard_swish,
    ``x * tanh(softplus(x))`` is mish.

    Raises
    ------
    Unsupported : a number is not a number, or the expression is too long.
    """
    params = tuple(float(np.float32(p)) for p in params)
    if any(math.isnan(p) for p in params):
        raise Unsupported(f"parameter of {name} is not a number")
    if name == "clip" and args[0].name == "clip":
        low, high = args[0].params
        params = tuple(float(np.clip(p, low, high)) for p in params)
        args = args[0].args
    if name == "multiply":
        for one, other in (args, args[::-1]):
            if other.args == (one,) and other.name == "sigmoid":
                return Function("silu", (), (one,))
            if other.args == (one,) and other.name == "hard_sigmoid" and _sixth(other.params):
                return Function("hard_swish", (), (one,))
            if other == Function("tanh", (), (Function("softplus", (1.0,), (one,)),)):
                return Function("mish", (), (one,))
    made = Function(name, params, args)
    if made.parts > _MOST_PARTS:
        raise Unsupported(f"an element-wise function of more than {_MOST_PARTS} parts")
    return made


def clip(low: float = -math.inf, high: float = math.inf) -> Function:
    """``min(max(x, low), high)``; a ReLU is ``clip(0)``."""
    return function("clip", low, high)


#: The functions that have a name of their own.
_LABELS = {"none": X, "relu": clip(0)}


def to_text(f: Function) -> str:
    """One line that `from_text` reads: a name of `_LABELS`, or JSON: [name, parameters, arguments].

    Numbers may be ``Infinity``, which Python's JSON reads back.
    """
    return f.label if f in _LABELS.values() else json.dumps(_plain(f))


def from_text(text: str) -> Function:
    """The inverse of `to_text`.

    Raises
    ------
    CelosiaError : ``text`` is no function, or one of more than `_MOST_PARTS` parts.
    """
    if text in _LABELS:
        return _LABELS[text]
    try:
        made = _function(json.loads(text))
        # A formula with too many or too few numbers or arguments fails here, not in the middle
        # of a run.
        made(np.zeros(1))
        return made
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        shown = "".join(c if c.isprintable() else "?" for c in text[:40])
        raise CelosiaError(
            f"activation {shown!r} is unknown", todo="use " + " or ".join(_LABELS)
        ) from error


def _plain(f: Function) -> list:
    return [f.name, list(f.params), [_plain(each) for each in f.args]]


def _function(values: list) -> Function:
    name, params, args = values
    if name == "x" and not params and not args:
        return X
    if name not in FORMULAS or not all(type(each) is float for each in params):
        raise ValueError(f"function {name!r} of {params}")
    return function(name, *params, args=tuple(_function(each) for each in args))


def _sixth(params: tuple[float, ...]) -> bool:
    return abs(params[0] - 1 / 6) < 1e-6 and params[1] == 0.5


def _erf(x: np.ndarray) -> np.ndarray:
    return np.array([math.erf(v) for v in x.ravel().tolist()]).reshape(x.shape)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _softplus(x: np.ndarray, beta: float = 1.0) -> np.ndarray:
    return np.logaddexp(0, beta * x) / beta


def _hard_sigmoid(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.clip(alpha * x + beta, 0, 1)


def _elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _threshold(x: np.ndarray, above: float, value: float) -> np.ndarray:
    return np.where(x > above, x, value)


def _where(condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(condition, x, y)


#: Name: the formula on float64 arrays, numbers last. This is all that a table can be made of.
FORMULAS: dict[str, Callable[..., np.ndarray]] = {
    "abs": np.abs,
    "add": np.add,
    "affine": lambda x, scale, shift: scale * x + shift,
    "ceil": np.ceil,
    "celu": lambda x, alpha: np.maximum(x, 0) + np.minimum(alpha * np.expm1(x / alpha), 0),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "cos": np.cos,
    "divide": np.divide,
    "elu": _elu,
    "equal": lambda x, y: np.equal(x, y) * 1.0,
    "erf": _erf,
    "exp": np.exp,
    "floor": np.floor,
    "gelu": lambda x: 0.5 * x * (1 + _erf(x * math.sqrt(0.5))),
    "gelu_tanh": _gelu_tanh,
    "greater": lambda x, y: np.greater(x, y) * 1.0,
    "greater_equal": lambda x, y: np.greater_equal(x, y) * 1.0,
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "leaky_relu": lambda x, alpha: np.where(x >= 0, x, alpha * x),
    "log": np.log,
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "multiply": np.multiply,
    "power": np.power,
    "round": np.rint,
    "selu": lambda x, alpha, gamma: gamma * _elu(x, alpha),
    "sigmoid": _sigmoid,
    "sign": np.sign,
    "silu": lambda x: x * _sigmoid(x),
    "sin": np.sin,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sqrt": np.sqrt,
    "square": np.square,
    "tanh": np.tanh,
    "threshold": _threshold,
    "where": _where,
}
