"""Fully connected."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.numerics.requantize import rescale
from celosia.spec import Op, Rounding
from celosia.support.errors import CelosiaError

from .layer import Layer, Shape, check_channels

__all__ = ["Dense"]


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """A fully connected layer with its requantization and an optional element table.

    ``y[n] = table[clip(requantize(sum_k (x[k] - zp_in) * w[n, k] + b[n]) + zp, lo, hi)]``

    Parameters
    ----------
    name : shown in every message.
    weights : int8 [N, K]. Symmetric: zero point 0. K runs over the input's (y, x, channel).
    bias : int32 [N], in units of ``input.scale * weight_scale[n]``.
    input : quantization of the int8 input.
    multiplier, shift : int64 [N], scale factor ``multiplier / 2**31 * 2**shift`` per channel.
    output : quantization of the result before the table.
    rounding : `Rounding.SINGLE` for FULLY_CONNECTED.
    input_shape : (height, width, channels) of the input; by default a vector's, (1, 1, K).
    clamp, table, table_output : as in `Layer`.

    Raises
    ------
    CelosiaError
        naming layer and channel, when shapes do not chain or a value is outside its format.
    """

    op: ClassVar[Op] = Op.DENSE
    kind: ClassVar[str] = "Dense"

    weights: np.ndarray
    bias: np.ndarray
    input: Quant
    multiplier: np.ndarray
    shift: np.ndarray
    output: Quant
    rounding: Rounding = Rounding.SINGLE
    input_shape: Shape = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or 0 in self.weights.shape:
            raise CelosiaError(
                f"weights of shape {self.weights.shape} are not [outputs, inputs]", where=self.name
            )
        n, k = self.weights.shape
        per_channel = {"bias": self.bias, "multiplier": self.multiplier, "shift": self.shift}
        check_channels(self.name, self.weights, per_channel, n, axis=0)
        # Of a vector, too, when `dataclasses.replace` gives it another length.
        if self.input_shape is None or self.input_shape[:2] == (1, 1):
            object.__setattr__(self, "input_shape", (1, 1, k))
        super().__post_init__()
        if prod(self.input_shape) != k:
            raise CelosiaError(
                f"map {list(self.input_shape)} does not hold {k} values", where=self.name
            )

    @property
    def output_shape(self) -> Shape:
        return (1, 1, self.weights.shape[0])

    @property
    def macs(self) -> int:
        return self.weights.size

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        # |x - zp| <= 255 and |w| <= 128: float64 sums are exact up to K = 2**38.
        acc = (x.astype(np.float64) - self.input.zero_point) @ self.weights.T.astype(np.float64)
        v = rescale(acc.astype(np.int64), self.bias, self.multiplier, self.shift, self.rounding)
        return self._finish(v + self.output.zero_point)
