"""The quantized graph: what importers and the quantizer make, and the compiler takes.

All numbers are integers in LiteRT's conventions; scales are kept to quantize inputs, to read
results and to explain differences, never to compute a layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import BIAS, MULTIPLIER, WEIGHT, Op, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia.support.errors import CelosiaError

__all__ = ["Dense", "Graph", "Layer", "chain"]


@dataclass(frozen=True, eq=False)
class Dense:
    """A fully connected layer with its requantization and an optional element table.

    ``y[n] = table[clip(requantize(sum_k (x[k] - zp_in) * w[n, k] + b[n]) + zp, lo, hi)]``

    Parameters
    ----------
    name : shown in every message.
    weights : int8 [N, K]. Symmetric: zero point 0.
    bias : int32 [N], in units of ``input.scale * weight_scale[n]``.
    input : quantization of the int8 input.
    multiplier, shift : int64 [N], scale factor ``multiplier / 2**31 * 2**shift`` per channel.
    output : quantization of the result before the table.
    clamp : int8 (lo, hi) of the fused activation (``(-128, 127)`` for none).
    rounding : `Rounding.SINGLE` for FULLY_CONNECTED.
    table : None, or int8 [256] indexed by ``q + 128``.
    table_output : quantization after the table; None when there is no table.

    Raises
    ------
    CelosiaError
        naming layer and channel, when shapes do not chain or a value is outside its format.
    """

    op: ClassVar[Op] = Op.DENSE

    name: str
    weights: np.ndarray
    bias: np.ndarray
    input: Quant
    multiplier: np.ndarray
    shift: np.ndarray
    output: Quant
    clamp: tuple[int, int] = (-128, 127)
    rounding: Rounding = Rounding.SINGLE
    table: np.ndarray | None = None
    table_output: Quant | None = None

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or 0 in self.weights.shape:
            raise CelosiaError(
                f"weights of shape {self.weights.shape} are not [outputs, inputs]", where=self.name
            )
        n = self.weights.shape[0]
        for what, array, low, high in (
            ("weight", self.weights, WEIGHT.min, WEIGHT.max),
            ("bias", self.bias, BIAS.min, BIAS.max),
            ("multiplier", self.multiplier, MULTIPLIER.min, MULTIPLIER.max),
            ("shift", self.shift, SHIFT_MIN, SHIFT_MAX),
        ):
            if what != "weight" and array.shape != (n,):
                raise CelosiaError(
                    f"{what} of shape {array.shape} does not match {n} outputs", where=self.name
                )
            bad = np.argwhere((array < low) | (array > high))
            if len(bad):
                raise CelosiaError(
                    f"{what} {array[tuple(bad[0])]} is outside {low}..{high}",
                    where=f"{self.name}, channel {bad[0][0]}",
                )
        lo, hi = self.clamp
        if not -128 <= lo <= hi <= 127:
            raise CelosiaError(f"clamp {self.clamp} is not an int8 range", where=self.name)
        if self.table is not None and (self.table.shape != (256,) or self.table_output is None):
            raise CelosiaError("a table needs 256 entries and an output scale", where=self.name)

    @property
    def outputs(self) -> int:
        return self.weights.shape[0]

    @property
    def inputs(self) -> int:
        return self.weights.shape[1]

    @property
    def macs(self) -> int:
        return self.weights.size

    @property
    def result(self) -> Quant:
        """Quantization of what the layer hands on."""
        if self.table is None or self.table_output is None:
            return self.output
        return self.table_output


#: What a graph is made of. `celosia.ops` has the record of each operation, by the layer's ``op``.
Layer = Dense


def chain(layers: Sequence) -> tuple[tuple[int, ...], ...]:
    """The tensors that each layer of a chain reads, by their numbers.

    Tensor 0 is the input; layer i writes tensor i + 1.
    """
    return tuple((index,) for index in range(len(layers)))


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of layers from one int8 input vector to one int8 output vector.

    Raises
    ------
    CelosiaError
        when there is no layer, two layers share a name, or shapes do not chain.
    """

    name: str
    layers: tuple[Layer, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.layers:
            raise CelosiaError("the model has no layer for the engine", where=self.name)
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise CelosiaError(f"two layers are called {name!r}", where=self.name)
        for layer, reads in zip(self.layers, self.reads, strict=True):
            for before in (self.layers[tensor - 1] for tensor in reads if tensor):
                if before.outputs != layer.inputs:
                    raise CelosiaError(
                        f"takes {layer.inputs} inputs but {before.name!r} gives {before.outputs}",
                        where=layer.name,
                    )

    @property
    def reads(self) -> tuple[tuple[int, ...], ...]:
        """The tensors that each layer reads (`chain`)."""
        return chain(self.layers)

    @property
    def input(self) -> Quant:
        return self.layers[0].input

    @property
    def output(self) -> Quant:
        return self.layers[-1].result

    @property
    def macs(self) -> int:
        """Multiplications one inference needs, before any are skipped."""
        return sum(layer.macs for layer in self.layers)
