"""What all layers of a float graph have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from celosia.network.functions import Function, X
from celosia.network.layers import Shape
from celosia.support.errors import CelosiaError

__all__ = ["FloatLayer", "constant"]


@dataclass(frozen=True, eq=False)
class FloatLayer(ABC):
    """A layer: real maps in, one real map out, all NHWC; ``y = function(sums(x, ...))``.

    Parameters
    ----------
    function : of each element; `X` for none.
    origin : what the file calls it, for messages.

    Attributes
    ----------
    kind : what layers of this class are called in the int8 network, "convolution" for instance.

    Raises
    ------
    CelosiaError : a shape that is not possible.
    """

    kind: ClassVar[str]

    function: Function = field(default=X, kw_only=True)
    origin: str = field(default="", kw_only=True)

    if TYPE_CHECKING:  # a field of most subclasses, for which there must be no default

        @property
        def input_shape(self) -> Shape:
            """(height, width, channels) of the first input."""

    def __post_init__(self) -> None:
        for shape in (*self.input_shapes, self.output_shape):
            if len(shape) != 3 or min(shape) < 1:
                raise CelosiaError(f"shape {list(shape)} is not a map", where=self.origin)

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """(height, width, channels) of each tensor that it reads."""
        return (self.input_shape,)

    @property
    @abstractmethod
    def output_shape(self) -> Shape:
        """(height, width, channels) of its result."""

    @property
    def macs(self) -> int:
        """Multiplications an image by weights, padding included; 0 of layers without weights."""
        return 0

    @property
    def outputs(self) -> int:
        """Values an image in the result."""
        return prod(self.output_shape)

    @abstractmethod
    def sums(self, *inputs: np.ndarray) -> np.ndarray:
        """The result before the function, [images, outputs] of [images, values] for each input.

        All are float32, or all float64; what is computed is of the same type.
        """

    def apply(self, sums: np.ndarray) -> np.ndarray:
        """``function(sums)`` in the type of ``sums``; the same array without a function."""
        return sums if self.function == X else self.function(sums).astype(sums.dtype)

    def _maps(self, x: np.ndarray, which: int = 0) -> np.ndarray:
        """[images, height, width, channels] of [images, values] of input number ``which``."""
        return x.reshape(len(x), *self.input_shapes[which])


def constant(value: np.ndarray, axes: int, what: str, where: str) -> np.ndarray:
    """A read-only float32 copy of ``value``.

    Raises
    ------
    CelosiaError : it is not float, has not ``axes`` non-empty axes, or holds a value that is not a
        finite float32; naming ``what`` of ``where``.
    """
    value = np.asarray(value)
    if value.dtype.kind != "f" or value.ndim != axes or not value.size:
        raise CelosiaError(
            f"{what} are {value.dtype} {list(value.shape)}, not float with {axes} non-empty axes",
            where=where,
        )
    with np.errstate(over="ignore"):
        value = np.array(value, np.float32, order="C")
    if not np.isfinite(value).all():
        at = [int(axis[0]) for axis in np.nonzero(~np.isfinite(value))]
        raise CelosiaError(
            f"{what} hold {value[tuple(at)]} at {at}", where=where, todo="train the model again"
        )
    value.flags.writeable = False
    return value
