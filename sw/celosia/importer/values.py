"""Tensors of a float model while an importer walks it: each one as a formula.

A value is ``scale * f(y) + shift``, where `y` is the model's input or the sums of one linear layer
and `f` an element-wise function. Every operator turns values into new values. Affine parts (batch
normalization, biases, constant factors) are folded on the way, in float64, by one formula for all
formats: into the linear layer before them when they follow it directly, else into the next one.
Values are immutable, so a tensor may be used twice, and an unused one costs nothing.
"""

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from celosia.importer.guard import Budget
from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import Function, X, function
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["MAX_WIDTH", "Linear", "Value", "Walk", "check_softmax"]

#: Values of a tensor at most. No engine has room for more; a file that claims more costs memory.
MAX_WIDTH = 1 << 24


class Walk:
    """What all values of one file share.

    Parameters
    ----------
    size : of the file in bytes.

    Attributes
    ----------
    budget : of the numbers that are computed while the file is read.
    passed : (operator, what became of it) for the operators that leave nothing to compute, in the
        order of the walk.
    """

    def __init__(self, size: int):
        self.budget = Budget.of_file(size, "its tensors are used far beyond the file's size")
        self.passed: list[tuple[str, str]] = []

    def note(self, where: str, before: "Value", after: "Value") -> None:
        """Add operator ``where`` to `passed` if turning ``before`` into ``after`` is free."""
        if after.function != before.function or after.final != before.final:
            return
        same_base = after.base is before.base
        if same_base and after.scale is before.scale and after.shift is before.shift:
            same = after.shape == before.shape
            self.passed.append((where, "changes nothing" if same else "changes only the shape"))
        elif same_base or (before.base and after.base and after.base.origin == before.base.origin):
            self.passed.append((where, "folded into a linear layer"))


@dataclass(frozen=True, eq=False)
class Linear:
    """``y = source @ weights + bias`` with float64 weights [K, N] and bias [N].

    ``origin`` is the file's name for the operator.
    """

    source: "Value"
    weights: np.ndarray
    bias: np.ndarray
    origin: str


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor.

    Parameters
    ----------
    shape : without the batch axis.
    walk : of the file; shared by all its values.
    base : the layer it is computed from; None for the model's input.
    function : `f` above.
    scale, shift : float64, scalar or flat [width].
    final : "softmax" or "log_softmax" when that was computed last, else "".

    Raises
    ------
    Unsupported : an axis is shorter than 1, or the tensor has more than `MAX_WIDTH` values.
    """

    shape: tuple[int, ...]
    walk: Walk
    base: Linear | None = None
    function: Function = X
    scale: np.ndarray | np.float64 = field(default_factory=lambda: np.float64(1))
    shift: np.ndarray | np.float64 = field(default_factory=lambda: np.float64(0))
    final: str = ""

    def __post_init__(self) -> None:
        if any(type(size) is not int or size < 1 for size in self.shape):
            raise Unsupported(f"a tensor of shape {list(self.shape)}")
        if self.width > MAX_WIDTH:
            raise Unsupported(f"a tensor of {self.width} values; at most {MAX_WIDTH} are possible")

    @property
    def width(self) -> int:
        return prod(self.shape)

    @property
    def _unscaled(self) -> bool:
        return self.scale.ndim == self.shift.ndim == 0 and self.scale == 1 and self.shift == 0

    def linear(self, weights: np.ndarray, bias: np.ndarray | None, origin: str) -> "Value":
        """``self @ weights + bias`` over the last axis, with weights [K, N] and bias [N]."""
        self._require_no_softmax()
        if weights.ndim != 2 or weights.shape[0] != self.shape[-1]:
            raise CelosiaError(
                f"weights {list(weights.shape)} do not take an input of {list(self.shape)}"
            )
        if self.shape[-1] != self.width:
            raise Unsupported(f"a linear layer on {list(self.shape)}", todo="flatten it first")
        n = weights.shape[1]
        self.walk.budget.spend(2 * weights.size)
        weights = weights.astype(np.float64, copy=False)
        total = np.zeros(n) if bias is None else _broadcast(bias, (n,)) + np.zeros(n)
        source = self
        if not self._unscaled:
            # Not a matrix product: its order of summation differs between machines.
            total = total + (np.reshape(self.shift, (-1, 1)) * weights).sum(axis=0)
            weights = np.reshape(self.scale, (-1, 1)) * weights
            source = replace(self, scale=np.float64(1), shift=np.float64(0))
        return Value((*self.shape[:-1], n), self.walk, Linear(source, weights, total, origin))

    def affine(self, scale: ArrayLike = 1.0, shift: ArrayLike = 0.0) -> "Value":
        """``scale * self + shift``, each a scalar or an array that broadcasts to `shape`."""
        self._require_no_softmax()
        factor = _broadcast(scale, self.shape)
        new_scale = self.scale * factor
        new_shift = self.shift * factor + _broadcast(shift, self.shape)
        if self.function == X and self.base is not None and (new_scale.ndim or new_shift.ndim):
            base = _folded(self.base, new_scale, new_shift, self.walk)
            return replace(self, base=base, scale=np.float64(1), shift=np.float64(0))
        # Scalars are folded later: the tensor may also be used without them.
        self.walk.budget.spend(new_scale.size + new_shift.size)
        return replace(self, scale=new_scale, shift=new_shift)

    def apply(self, outer: Function) -> "Value":
        """``outer(self)``."""
        if outer == X:
            return self
        self._require_no_softmax()
        if self.base is None:
            raise Unsupported(
                f"{outer.name} is before the first linear layer",
                todo="remove it from the model and apply it to the inputs",
            )
        return replace(
            self,
            function=outer.of(self._expression()),
            scale=np.float64(1),
            shift=np.float64(0),
        )

    def join(self, other: "Value", name: str) -> "Value":
        """``name(self, other)`` of two tensors that are functions of the same sums."""
        self._require_no_softmax()
        other._require_no_softmax()
        if self.base is None or self.base is not other.base or self.shape != other.shape:
            raise Unsupported("it joins two branches", todo="only chains of layers run")
        both = self._expression(), other._expression()
        return replace(
            self,
            function=function(name, args=both),
            scale=np.float64(1),
            shift=np.float64(0),
        )

    def reshape(self, shape: tuple[int, ...]) -> "Value":
        """The same values in another shape."""
        if prod(shape) != self.width:
            raise CelosiaError(f"{list(self.shape)} cannot become {list(shape)}")
        return replace(self, shape=tuple(shape))

    def softmax(self, axis: int, log: bool = False) -> "Value":
        """Softmax over ``axis``, where axis 0 is the batch; its logarithm with ``log``."""
        self._require_no_softmax()
        check_softmax(axis, self.shape)
        return replace(self, final="log_softmax" if log else "softmax")

    def network(self, name: str, input_shape: tuple[int, ...]) -> FloatNetwork:
        """The network from the model's input, of shape ``input_shape``, to this value.

        Raises
        ------
        Unsupported : there is no linear layer, or a factor per channel is left after the last one.
        """
        layers, value = [], replace(self, final="")
        while value.base is not None:
            scale, shift, f = value._expression().without_affine()
            base = _folded(value.base, np.float64(scale), np.float64(shift), self.walk)
            layers.append(FloatDense(base.weights, base.bias, function=f, origin=base.origin))
            value = base.source
        if not layers:
            raise Unsupported("the model has no linear layer", where=name)
        return FloatNetwork(
            name,
            tuple(layers[::-1]),
            input_shape,
            self.shape,
            self.final,
            passed=tuple(self.walk.passed),
        )

    def _expression(self) -> Function:
        """`scale` and `shift` as part of the function."""
        if self._unscaled:
            return self.function
        if self.scale.ndim or self.shift.ndim:
            raise Unsupported(
                "a factor or summand per channel follows an activation, and no linear layer "
                "follows to fold it into"
            )
        scaled = function("affine", float(self.scale), float(self.shift))
        return scaled.of(self.function)

    def _require_no_softmax(self) -> None:
        if self.final:
            raise Unsupported(f"it follows a {self.final}, which must be last")


def check_softmax(axis: int, shape: tuple[int, ...]) -> None:
    """Check that a softmax over ``axis``, where axis 0 is the batch, is over all of ``shape``.

    Raises
    ------
    Unsupported : it is not.
    """
    if axis not in (-1, len(shape)) or shape[-1] != prod(shape):
        raise Unsupported(f"over axis {axis} of {list(shape)}, not over all outputs")


def _folded(
    base: Linear, scale: np.ndarray | np.float64, shift: np.ndarray | np.float64, walk: Walk
) -> Linear:
    """``scale * (source @ weights + bias) + shift`` as one layer."""
    if not scale.ndim and scale == 1:
        return replace(base, bias=base.bias + shift)
    walk.budget.spend(base.weights.size)
    return replace(base, weights=base.weights * scale, bias=base.bias * scale + shift)


def _broadcast(constant: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """float64 scalar, or flat array of ``shape``'s size; always an array for one of size 1."""
    value = np.asarray(constant, np.float64)
    if not np.isfinite(value).all():
        raise CelosiaError("a constant is not a finite number")
    if value.size == 1 and prod(shape) > 1:
        return value.reshape(())
    if value.size == 1:
        return value.reshape(1)
    if value.ndim > len(shape) and value.shape[0] == 1:
        value = value.reshape(value.shape[1:])
    try:
        return np.broadcast_to(value, shape).ravel()
    except ValueError:
        raise CelosiaError(
            f"a constant of {list(value.shape)} does not fit {list(shape)}"
        ) from None
