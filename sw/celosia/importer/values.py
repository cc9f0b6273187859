"""Tensors of a float model while an importer walks it: what each one is, as a formula.

A value is ``scale * f(y) + shift``, where `y` is the model's input or the sums of one linear layer
and `f` an element-wise function. Every operator turns values into values; affine parts (batch
normalization, biases, constant factors) are folded on the way, in float64, by one formula for all
formats: into the linear layer before them if nothing but they follow it, else into the one after.
Values never change, so a tensor may be used twice and unused ones cost nothing.
"""

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from celosia.network.float_network import FloatLayer, FloatNetwork
from celosia.network.functions import Function, X, function
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["MAX_WIDTH", "Ledger", "Linear", "Value", "norm_factors"]

#: No engine has room for more inputs; a file that claims more would cost memory.
MAX_WIDTH = 1 << 24


class Ledger:
    """Numbers that may still be computed for one file: few bytes may name one tensor many times.

    Also remembers the operators of which nothing is left to compute.

    Parameters
    ----------
    size : of the file in bytes.

    Attributes
    ----------
    passed : (operator, what became of it), in the order of the walk.
    """

    def __init__(self, size: int):
        self._left = 8 * size + (1 << 20)
        self.passed: list[tuple[str, str]] = []

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise CelosiaError("its tensors are used far beyond the file's size")

    def note(self, where: str, before: "Value", after: "Value") -> None:
        """Remember operator ``where`` if it made ``after`` of ``before`` at no cost."""
        if after.function != before.function or after.final != before.final:
            return
        same_base = after.base is before.base
        if same_base and after.scale is before.scale and after.shift is before.shift:
            same = after.shape == before.shape
            self.passed.append((where, "changes nothing" if same else "changes only the shape"))
        elif same_base or (before.base and after.base.origin == before.base.origin):
            self.passed.append((where, "folded into a linear layer"))


@dataclass(frozen=True, eq=False)
class Linear:
    """``y = source @ weights + bias``, float64 [K, N] and [N]."""

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
    ledger : of the file; shared by all its values.
    base : the layer it comes from; None for the model's input.
    function : `f` above.
    scale, shift : float64, scalar or flat [width].
    final : "softmax" or "log_softmax" when that was computed last.
    """

    shape: tuple[int, ...]
    ledger: Ledger
    base: Linear | None = None
    function: Function = X
    scale: np.ndarray = field(default_factory=lambda: np.float64(1))
    shift: np.ndarray = field(default_factory=lambda: np.float64(0))
    final: str = ""

    def __post_init__(self):
        if any(type(size) is not int or size < 1 for size in self.shape):
            raise Unsupported(f"a tensor of shape {list(self.shape)}")
        if self.width > MAX_WIDTH:
            raise Unsupported(f"a tensor of {self.width} values; at most {MAX_WIDTH} are possible")

    @property
    def width(self) -> int:
        return prod(self.shape)

    @property
    def _plain(self) -> bool:
        return self.scale.ndim == self.shift.ndim == 0 and self.scale == 1 and self.shift == 0

    def linear(self, weights: np.ndarray, bias: np.ndarray | None, origin: str) -> "Value":
        """``self @ weights + bias`` with weights [K, N] over the last axis."""
        self._open()
        if weights.ndim != 2 or weights.shape[0] != self.shape[-1]:
            raise CelosiaError(
                f"weights {list(weights.shape)} do not take an input of {list(self.shape)}"
            )
        if self.shape[-1] != self.width:
            raise Unsupported(f"a linear layer on {list(self.shape)}", todo="flatten it first")
        n = weights.shape[1]
        self.ledger.spend(2 * weights.size)
        weights = weights.astype(np.float64, copy=False)
        total = np.zeros(n) if bias is None else _broadcast(bias, (n,)) + np.zeros(n)
        source = self
        if not self._plain:
            # No matrix product: its order of summation is not the same on every machine.
            total = total + (np.reshape(self.shift, (-1, 1)) * weights).sum(axis=0)
            weights = np.reshape(self.scale, (-1, 1)) * weights
            source = replace(self, scale=np.float64(1), shift=np.float64(0))
        return Value((*self.shape[:-1], n), self.ledger, Linear(source, weights, total, origin))

    def affine(self, scale=1.0, shift=0.0) -> "Value":
        """``scale * self + shift``, each a scalar or an array that broadcasts to `shape`."""
        self._open()
        scale, shift = _broadcast(scale, self.shape), _broadcast(shift, self.shape)
        scale, shift = self.scale * scale, self.shift * scale + shift
        if self.function == X and self.base is not None and (scale.ndim or shift.ndim):
            base = _folded(self.base, scale, shift, self.ledger)
            return replace(self, base=base, scale=np.float64(1), shift=np.float64(0))
        # Scalars wait: the tensor may also be used without them.
        self.ledger.spend(scale.size + shift.size)
        return replace(self, scale=scale, shift=shift)

    def apply(self, outer: Function) -> "Value":
        """``outer(self)``."""
        if outer == X:
            return self
        self._open()
        if self.base is None:
            raise Unsupported(
                f"{outer.name} comes before the first linear layer",
                todo="apply it to the data before Celosia gets them",
            )
        return replace(
            self,
            function=outer.of(self._expression()),
            scale=np.float64(1),
            shift=np.float64(0),
        )

    def join(self, other: "Value", name: str) -> "Value":
        """``name(self, other)`` of two tensors that are functions of the same sums."""
        self._open()
        other._open()
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
        """Over ``axis``, counted with the batch axis as 0."""
        self._open()
        rank = len(self.shape) + 1
        if axis not in (-1, rank - 1) or self.shape[-1] != self.width:
            raise Unsupported(f"over axis {axis} of {list(self.shape)}, not over all outputs")
        return replace(self, final="log_softmax" if log else "softmax")

    def network(self, name: str, input_shape: tuple[int, ...]) -> FloatNetwork:
        """The network whose output this value is."""
        layers, value = [], replace(self, final="")
        while value.base is not None:
            scale, shift, f = value._expression().without_affine()
            base = _folded(value.base, np.float64(scale), np.float64(shift), self.ledger)
            layers.append(FloatLayer(base.weights, base.bias, f, base.origin))
            value = base.source
        if not layers:
            raise Unsupported("the model has no linear layer", where=name)
        return FloatNetwork(
            *(name, tuple(layers[::-1]), input_shape, self.shape, self.final),
            passed=tuple(self.ledger.passed),
        )

    def _expression(self) -> Function:
        if self._plain:
            return self.function
        if self.scale.ndim or self.shift.ndim:
            raise Unsupported(
                "a function of each channel's own scale follows an activation, with no linear "
                "layer in between to take the scale"
            )
        scaled = function("affine", float(self.scale), float(self.shift))
        return scaled.of(self.function)

    def _open(self) -> None:
        if self.final:
            raise Unsupported(f"it follows a {self.final}, which must come last")


def _folded(base: Linear, scale: np.ndarray, shift: np.ndarray, ledger: Ledger) -> Linear:
    """``scale * (source @ weights + bias) + shift`` as one layer."""
    if not scale.ndim and scale == 1:
        return replace(base, bias=base.bias + shift)
    ledger.spend(base.weights.size)
    return replace(base, weights=base.weights * scale, bias=base.bias * scale + shift)


def norm_factors(mean, variance, gamma=None, beta=None, epsilon: float = 0.0):
    """Batch normalization as ``scale * x + shift``: ``scale = gamma / sqrt(variance + epsilon)``,
    ``shift = beta - mean * scale``, in float64 with ``epsilon`` rounded to float32.

    Raises
    ------
    CelosiaError : some variance with epsilon is not positive.
    """
    mean, variance = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    gamma = np.float64(1) if gamma is None else np.asarray(gamma, np.float64)
    beta = np.float64(0) if beta is None else np.asarray(beta, np.float64)
    if len({each.shape for each in (mean, variance, gamma, beta) if each.ndim}) != 1:
        raise CelosiaError("its parameters differ in shape")
    wide = variance + np.float64(np.float32(epsilon))
    if not (wide > 0).all():
        raise CelosiaError("a variance is not positive", todo="train the model again")
    scale = gamma / np.sqrt(wide)
    return scale, beta - mean * scale


def _broadcast(value, shape: tuple[int, ...]) -> np.ndarray:
    """float64 scalar, or flat array of ``shape``'s size; always an array for one of size 1."""
    value = np.asarray(value, np.float64)
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
