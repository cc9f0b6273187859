"""What all layers of a quantized graph have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import BIAS, MULTIPLIER, WEIGHT, Op
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia.support.errors import CelosiaError

__all__ = ["Layer", "Shape", "check_channels"]

#: Height, width and channels of a map. A vector of n values is (1, 1, n).
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Layer(ABC):
    """A layer: int8 maps in, one int8 map out, all NHWC.

    Every layer has ``input`` and ``output``: the quantization of its (first) input, and that of
    its result before the element table.

    Parameters
    ----------
    name : shown in every message.
    clamp : int8 (lo, hi) of the fused activation, ``(-128, 127)`` for none.
    table : None, or int8 [256] indexed by ``q + 128``, applied after the clamp.
    table_output : quantization after the table; None when there is no table.

    Attributes
    ----------
    kind : the class's name for people and files.
    op : the operation of engines for vectors; only `Dense` has one.

    Raises
    ------
    CelosiaError : a shape, clamp or table that is not possible; naming the layer.
    """

    kind: ClassVar[str]
    op: ClassVar[Op]

    name: str
    clamp: tuple[int, int] = field(default=(-128, 127), kw_only=True)
    table: np.ndarray | None = field(default=None, kw_only=True)
    table_output: Quant | None = field(default=None, kw_only=True)

    if TYPE_CHECKING:  # fields of most subclasses, for which dataclasses must not find a default

        @property
        def input(self) -> Quant:
            """Quantization of the first input."""

        @property
        def output(self) -> Quant:
            """Quantization of the result before the table."""

        @property
        def input_shape(self) -> Shape:
            """(height, width, channels) of the first input."""

    def __post_init__(self) -> None:
        lo, hi = self.clamp
        if not -128 <= lo <= hi <= 127:
            raise CelosiaError(f"clamp {self.clamp} is not an int8 range", where=self.name)
        if self.table is not None and (self.table.shape != (256,) or self.table_output is None):
            raise CelosiaError("a table needs 256 entries and an output scale", where=self.name)
        for shape in (*self.input_shapes, self.output_shape):
            if len(shape) != 3 or min(shape) < 1:
                raise CelosiaError(f"shape {list(shape)} is not a map", where=self.name)

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
    def inputs(self) -> int:
        """Values an image in the first input."""
        return prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """Values an image in the result."""
        return prod(self.output_shape)

    @property
    def result(self) -> Quant:
        """Quantization of what the layer hands on."""
        return self.output if self.table_output is None else self.table_output

    @abstractmethod
    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        """int8 [images, outputs] of int8 [images, values] for each input, by the definition."""

    def _maps(self, x: np.ndarray, which: int = 0) -> np.ndarray:
        """[images, height, width, channels] of [images, values] of input number ``which``."""
        return x.reshape(len(x), *self.input_shapes[which])

    def _finish(self, v: np.ndarray) -> np.ndarray:
        """int8 [images, outputs] ``table[clip(v, lo, hi)]`` of integers with one axis of images.

        ``v`` wraps at 32 bits, as LiteRT adds the zero point in int32.
        """
        y = np.clip(v.astype(np.int32), *self.clamp)
        y = y.astype(np.int8) if self.table is None else self.table[y + 128].astype(np.int8)
        return y.reshape(len(v), self.outputs)


def check_channels(
    name: str, weights: np.ndarray, per_channel: dict[str, np.ndarray], channels: int, axis: int
) -> None:
    """Check weights, and bias, multiplier and shift of each of ``channels`` channels.

    Parameters
    ----------
    name : of the layer.
    weights : int8, with the channels along ``axis``.
    per_channel : ``bias``, ``multiplier``, ``shift``.

    Raises
    ------
    CelosiaError : another length, or a value outside its format; naming layer and channel.
    """
    limits = {
        "weight": (WEIGHT.min, WEIGHT.max),
        "bias": (BIAS.min, BIAS.max),
        "multiplier": (MULTIPLIER.min, MULTIPLIER.max),
        "shift": (SHIFT_MIN, SHIFT_MAX),
    }
    for what, array in {"weight": weights, **per_channel}.items():
        if what != "weight" and array.shape != (channels,):
            raise CelosiaError(
                f"{what} of shape {array.shape} does not match {channels} outputs", where=name
            )
        low, high = limits[what]
        if array.dtype == np.int8 and low <= -128 and high >= 127:
            continue
        if array.size and not low <= array.min() <= array.max() <= high:
            bad = np.argwhere((array < low) | (array > high))
            raise CelosiaError(
                f"{what} {array[tuple(bad[0])]} is outside {low}..{high}",
                where=f"{name}, channel {bad[0][axis if what == 'weight' else 0]}",
            )
