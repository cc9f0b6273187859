"""One tensor of a float model: a layer's result, a function of it, and the order of its values.

A value is ``scale * f(y) + shift``, where `y` is the model's input or a layer's sums and `f` an
element-wise function; every operator turns values into new values. The axes of the model's own
tensor are an array of places in the layer's map, so that whatever moves data (reshaping, axes in
another order, parts of a tensor) is NumPy's own operation on that array and costs no layer.
Affine parts are folded on the way, in float64, by one formula for all formats: into the layer
before them when they follow it directly; else they are a layer of their own, a `FloatScale`, which
the quantizer folds where that is exact, and which the host computes at either end of the model.
Values are immutable, so a tensor may be used twice, and an unused one costs nothing.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from celosia.network.float_layers import FloatScale
from celosia.network.functions import Function, X, function
from celosia.support.errors import CelosiaError, Unsupported

from .base import Base, Tensor
from .walk import Layout, Walk, WantsLayout

__all__ = ["MAX_WIDTH", "Map", "Value", "check_softmax"]

#: Values of a tensor at most. No engine has room for more; a file that claims more costs memory.
MAX_WIDTH = 1 << 24
_ONE, _ZERO = np.float64(1), np.float64(0)


@dataclass(frozen=True, eq=False)
class Map:
    """A value as an operator on maps reads it.

    Parameters
    ----------
    source : the layer and the function that it reads.
    shape : (height, width, channels).
    channels : for each of the channels its number in ``source``; None when they are the same.
    """

    source: Tensor
    shape: tuple[int, int, int]
    channels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor.

    Parameters
    ----------
    walk : of the file; shared by all its values.
    base : the layer it is computed from, or the model's input.
    order : int64 [1, *shape], each value's place in the map of ``base``; axis 0 is the batch.
    function : `f` above.
    scale, shift : float64, scalar or one for each value of ``base``'s map, in its order.
    final : "softmax" or "log_softmax" when that was computed last, else "".
    apart : (layer, scale, shift), all that `base` has in one: for a model's result, whose factors
        the host computes.
    origin : the operator that gave `scale` and `shift`.
    """

    walk: Walk
    base: Base
    order: np.ndarray
    function: Function = X
    scale: np.ndarray = field(default_factory=lambda: np.asarray(_ONE))
    shift: np.ndarray = field(default_factory=lambda: np.asarray(_ZERO))
    final: str = ""
    apart: tuple[Base, np.ndarray, np.ndarray] | None = None
    origin: str = ""

    @classmethod
    def input(cls, walk: Walk, shape: tuple[int, ...]) -> "Value":
        """The model's input of ``shape``, without the batch axis.

        Raises
        ------
        Unsupported : an axis is shorter than 1, or there are more than `MAX_WIDTH` values.
        """
        check_shape(shape)
        order = np.arange(prod(shape))
        base = Base(None, (1, 1, prod(shape)))
        if walk.layout is not None:
            order = np.empty_like(order)
            order[walk.layout.order] = np.arange(prod(shape))
            base = Base(None, walk.layout.shape)
        walk.maps.spend(order.size)
        return cls(walk, base, order.reshape(1, *shape))

    @classmethod
    def of(cls, walk: Walk, base: Base, order: np.ndarray | None = None) -> "Value":
        """The result of ``base``, in the order of its own map unless ``order`` is given."""
        check_shape(base.shape)
        if order is None:
            order = np.arange(base.width).reshape(1, *base.shape)
        walk.maps.spend(order.size)
        return cls(walk, base, order)

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the batch axis."""
        return self.order.shape[1:]

    @property
    def width(self) -> int:
        return self.order.size

    @property
    def _unscaled(self) -> bool:
        return self.scale.ndim == self.shift.ndim == 0 and self.scale == 1 and self.shift == 0

    def moved(self, order: np.ndarray) -> "Value":
        """The same layer's values in another ``order`` [1, ...]."""
        check_shape(order.shape[1:])
        if len(order) != 1:
            raise Unsupported("it changes the batch axis")
        self.walk.maps.spend(order.size)
        return replace(self, order=order)

    def affine(self, scale: ArrayLike = 1.0, shift: ArrayLike = 0.0) -> "Value":
        """``scale * self + shift``, each a scalar or an array that broadcasts to the tensor,
        with or without its batch axis."""
        self.require_no_softmax()
        factor, summand = self._spread(scale, 1.0), self._spread(shift, 0.0)
        self.walk.budget.spend(factor.size + summand.size)
        new_scale = self.scale * factor
        new_shift = self.shift * factor + summand
        changed = replace(self, scale=new_scale, shift=new_shift, origin=self.walk.where)
        # Scalars are folded later: the tensor may also be used without them.
        if self.function != X or not (new_scale.ndim or new_shift.ndim):
            return changed
        folded = self.base.folded(new_scale, new_shift, self.walk.budget)
        if folded is None:
            return replace(changed, apart=None)
        clean = replace(changed, base=folded, scale=np.asarray(_ONE), shift=np.asarray(_ZERO))
        bias_only = bool((new_scale == 1).all())
        if self.apart is None and bias_only:
            return replace(clean, apart=None)
        base, old_scale, old_shift = self.apart or (self.base, np.asarray(_ONE), np.asarray(_ZERO))
        apart = (base, old_scale * new_scale, old_shift * new_scale + new_shift)
        return replace(clean, apart=apart)

    def _spread(self, constant: ArrayLike, neutral: float) -> np.ndarray:
        """float64 scalar, or one number for each value of the layer's map."""
        value = np.asarray(constant, np.float64)
        if not np.isfinite(value).all():
            raise CelosiaError("a constant is not a finite number")
        # One value for all is a scalar, but of a tensor of one value it is a vector, as a bias is.
        if value.size == 1 and (self.base.width > 1 or self.function != X):
            return value.reshape(())
        try:
            own = np.broadcast_to(value, self.order.shape)
        except ValueError:
            raise Unsupported(
                f"a constant of {list(value.shape)} does not fit {list(self.shape)}"
            ) from None
        self.walk.maps.spend(own.size)
        result = np.full(self.base.width, neutral)
        result[self.order] = own
        if not np.array_equal(result[self.order], own):
            raise Unsupported("a constant differs between copies of one value")
        return result

    def apply(self, outer: Function) -> "Value":
        """``outer(self)``."""
        if outer == X:
            return self
        self.require_no_softmax()
        one = self.settled
        return one.expressed(outer.of(one.expression()))

    def expressed(self, f: Function) -> "Value":
        """``f`` of the layer's own sums, in place of all that followed it."""
        clean = replace(self, scale=np.asarray(_ONE), shift=np.asarray(_ZERO), apart=None)
        return replace(clean, function=f, origin=self.walk.where)

    def join(self, other: "Value", name: str) -> "Value | None":
        """``name(self, other)``, a function of two tensors; None when they are not functions of
        the same values."""
        self.require_no_softmax()
        other.require_no_softmax()
        one, two = self.settled, other.settled
        if one.base is not two.base or one.shape != two.shape:
            return None
        if one.order is not two.order and not np.array_equal(one.order, two.order):
            return None
        return one.expressed(function(name, args=(one.expression(), two.expression())))

    def expression(self) -> Function:
        """Scalar `scale` and `shift` as part of the function."""
        if self._unscaled:
            return self.function
        return function("affine", float(self.scale), float(self.shift)).of(self.function)

    @cached_property
    def settled(self) -> "Value":
        """The same value, its `scale` and `shift` scalars."""
        if not (self.scale.ndim or self.shift.ndim):
            return self
        if self.function == X:
            folded = self.base.folded(self.scale, self.shift, self.walk.budget)
            if folded is not None:
                return self._on(folded)
        return self._on(self.scaled((self.base, self.function), self.scale, self.shift))

    def _on(self, base: Base) -> "Value":
        clean = replace(self, scale=np.asarray(_ONE), shift=np.asarray(_ZERO), apart=None)
        return replace(clean, base=base, function=X)

    def scaled(self, source: Tensor, scale: np.ndarray, shift: np.ndarray) -> Base:
        """A layer for a factor and a summand of each channel, or of each value."""
        base = source[0]
        factors, summands = base.per_channel(scale), base.per_channel(shift)
        many = base.shape[2]
        if factors is None or summands is None:
            factors, summands, many = scale, shift, base.width
        parameters = {
            "scale": np.broadcast_to(factors, many),
            "shift": np.broadcast_to(summands, many),
            "input_shape": base.shape,
        }
        origin = self.origin or self.walk.where
        return Base(FloatScale, base.shape, (source,), parameters, origin)

    @cached_property
    def tensor(self) -> Tensor:
        """What another layer reads: a layer with the function that follows it."""
        self.require_no_softmax()
        one = self.settled
        if one._unscaled or not (one.function == X or one.function.limits):
            return one.base, one.expression()
        if one.function == X:
            folded = one.base.folded(one.scale, one.shift, self.walk.budget)
            if folded is not None:
                return folded, X
        return one.scaled((one.base, one.function), one.scale, one.shift), X

    def as_map(self, channels_first: bool) -> Map:
        """The tensor as a map, of shape (channels, ...) or (..., channels); one axis beside the
        channels is the width of a map of one line.

        Raises
        ------
        Unsupported : its values have another order than any map's.
        WantsLayout : it is the model's input, which must be seen as such a map.
        """
        own = self.order[0]
        if own.ndim not in (2, 3):
            raise Unsupported(
                f"its input has {own.ndim} axes beside the batch; "
                "maps of one or two dimensions and their channels are supported"
            )
        if channels_first:
            own = np.moveaxis(own, 0, -1)
        own = own if own.ndim == 3 else own[None]
        shape, source = own.shape, self.tensor
        base, rows = source[0], own.reshape(-1, own.shape[-1])
        height, width, channels = base.shape
        steps = np.arange(len(rows))[:, None] * channels
        inside = len(rows) == height * width and rows[0].min() >= 0 and rows[0].max() < channels
        if inside and np.array_equal(rows, steps + rows[0]):
            same = np.array_equal(rows[0], np.arange(channels))
            return Map(source, shape, None if same else rows[0])
        if base.elementwise and np.array_equal(np.sort(own.ravel()), np.arange(base.width)):
            order = own.ravel()
            if self.walk.layout is not None:
                order = self.walk.layout.order[order]
            raise WantsLayout(Layout(shape, order))
        raise Unsupported(
            f"{list(self.shape)} is not the order of a map that a layer computes",
            todo="do not reshape maps between layers",
        )

    def softmax(self, axis: int, log: bool = False) -> "Value":
        """Softmax over ``axis``, where axis 0 is the batch; its logarithm with ``log``."""
        self.require_no_softmax()
        check_softmax(axis, self.shape)
        return replace(self, final="log_softmax" if log else "softmax")

    def require_no_softmax(self) -> None:
        if self.final:
            raise Unsupported(f"it follows a {self.final}, which must be last")


def check_shape(shape: tuple[int, ...]) -> None:
    """Check that a tensor may have ``shape``, without the batch axis.

    Raises
    ------
    Unsupported : an axis is shorter than 1, or there are more than `MAX_WIDTH` values.
    """
    if any(not isinstance(size, int | np.integer) or size < 1 for size in shape):
        raise Unsupported(f"a tensor of shape {list(shape)}")
    if prod(shape) > MAX_WIDTH:
        raise Unsupported(f"a tensor of {prod(shape)} values; at most {MAX_WIDTH} are possible")


def check_softmax(axis: int, shape: tuple[int, ...]) -> None:
    """Check that a softmax over ``axis``, where axis 0 is the batch, is over all of ``shape``.

    Raises
    ------
    Unsupported : it is not.
    """
    rank = len(shape) + 1
    if type(axis) is not int or not -rank <= axis < rank or axis % rank == 0:
        raise Unsupported(f"over axis {axis} of {list(shape)}, not over all outputs")
    if shape[axis % rank - 1] != prod(shape):
        raise Unsupported(f"over axis {axis} of {list(shape)}, not over all outputs")
