"""A layer of the graph before it is known which function follows it."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from celosia.importer.guard import Budget
from celosia.network.float_layers import (
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatLayer,
    FloatScale,
)
from celosia.network.functions import Function
from celosia.network.layers import Shape

__all__ = ["Base", "Tensor"]

Tensor = tuple["Base", Function]

_FOLDED = (FloatConvolution, FloatDense, FloatDepthwise)


@dataclass(frozen=True, eq=False)
class Base:
    """The model's input, or a layer without its function.

    Parameters
    ----------
    kind : class of the layer; None for the input.
    shape : (height, width, channels) of the result.
    sources : what it reads: layers, each with the function that follows it.
    parameters : arguments of ``kind``; arrays are float64, so that folding rounds nothing.
    origin : the file's name of the operator.
    """

    kind: type[FloatLayer] | None
    shape: Shape
    sources: tuple[Tensor, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    origin: str = ""

    @property
    def width(self) -> int:
        return prod(self.shape)

    @property
    def linear(self) -> bool:
        """Whether factors and summands fold into its weights."""
        return self.kind in _FOLDED

    @cached_property
    def elementwise(self) -> bool:
        """Whether it is the input, or computed from it value by value in any order of them."""
        if self.kind is None:
            return True
        return issubclass(self.kind, FloatScale) and self.sources[0][0].elementwise

    def folded(self, scale: np.ndarray, shift: np.ndarray, budget: Budget) -> "Base | None":
        """``scale * self + shift`` as one layer; None where that is none.

        Parameters
        ----------
        scale, shift : float64 scalars, or one for each value in the order (y, x, channel).
        """
        if not self.linear:
            return None
        factors, summands = self.per_channel(scale), self.per_channel(shift)
        if factors is None or summands is None:
            return None
        scale, shift = factors, summands
        weights, bias = self.parameters["weights"], self.parameters["bias"]
        if scale.ndim or scale != 1:
            budget.spend(weights.size)
            first = self.kind is FloatConvolution and scale.ndim
            weights = weights * (scale[:, None, None, None] if first else scale)
        changed = {"weights": weights, "bias": bias * scale + shift}
        return replace(self, parameters=self.parameters | changed)

    def per_channel(self, values: np.ndarray) -> np.ndarray | None:
        """A scalar, or one number for each channel; None when they differ between pixels."""
        values = np.asarray(values)
        if not values.ndim:
            return values
        rows = values.reshape(-1, self.shape[2])
        return rows[0] if (rows == rows[0]).all() else None
