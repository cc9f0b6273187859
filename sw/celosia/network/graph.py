"""The quantized graph: what importers and the quantizer make, and the compiler takes.

All numbers are integers in LiteRT's conventions; scales are kept to quantize inputs, to read
results and to explain differences, never to compute a layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

from .layers import Dense, Layer, Shape

__all__ = ["Dense", "Graph", "Layer", "Reads", "chain"]

#: The numbers of the tensors that each layer reads.
Reads = tuple[tuple[int, ...], ...]


def chain(layers: Sequence) -> Reads:
    """The tensors that each layer of a chain reads, by their numbers.

    Tensor 0 is the input; layer i writes tensor i + 1.
    """
    return tuple((index,) for index in range(len(layers)))


@dataclass(frozen=True, eq=False)
class Graph:
    """Layers from one int8 input map to one or more int8 results.

    Tensor 0 is the input; layer i writes tensor i + 1 and reads only tensors before it. A layer may
    see a tensor's pixels in other lines, such as 49 x 1 as 1 x 49, or a whole map as one vector
    where it is a `Dense` layer; values always run over (y, x, channel).

    Parameters
    ----------
    name : of the model.
    layers : in the order in which they are computed.
    reads : the numbers of the tensors that each layer reads, as many as it has inputs; None for a
        chain.
    outputs : the numbers of the tensors that are results; None for the last one.

    Raises
    ------
    CelosiaError
        when there is no layer, two layers share a name, a layer reads what does not fit it or is
        not computed before it, or a tensor is neither read nor a result.
    """

    name: str
    layers: tuple[Layer, ...] = field(default=())
    # Never None once it is made.
    reads: Reads = None  # type: ignore[assignment]
    outputs: tuple[int, ...] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if not self.layers:
            raise CelosiaError("the model has no layer for the engine", where=self.name)
        if self.reads is None:
            object.__setattr__(self, "reads", chain(self.layers))
        if self.outputs is None:
            object.__setattr__(self, "outputs", (len(self.layers),))
        seen = set()
        for layer in self.layers:
            if layer.name in seen:
                raise CelosiaError(f"two layers are called {layer.name!r}", where=self.name)
            seen.add(layer.name)
        if len(self.reads) != len(self.layers):
            raise CelosiaError(
                f"{len(self.reads)} lists of tensors for {len(self.layers)} layers", where=self.name
            )
        for index, (layer, reads) in enumerate(zip(self.layers, self.reads, strict=True)):
            self._check_reads(index, layer, reads)
        self._check_use()

    def _check_reads(self, index: int, layer: Layer, reads: tuple[int, ...]) -> None:
        if len(reads) != len(layer.input_shapes):
            raise CelosiaError(
                f"reads {len(reads)} tensors, not {len(layer.input_shapes)}", where=layer.name
            )
        for tensor, shape in zip(reads, layer.input_shapes, strict=True):
            if not 0 <= tensor <= index:
                raise CelosiaError(
                    f"reads tensor {tensor}, which is not computed before it", where=layer.name
                )
            if not _fits(self.shapes[tensor], shape, layer):
                before = self.layers[tensor - 1].name if tensor else "input"
                given = self.shapes[tensor]
                if given[:2] == shape[:2] == (1, 1):
                    raise CelosiaError(
                        f"takes {shape[2]} inputs but {before!r} gives {given[2]}",
                        where=layer.name,
                    )
                raise CelosiaError(
                    f"takes a map of {list(shape)} but {before!r} gives {list(given)}",
                    where=layer.name,
                )

    def _check_use(self) -> None:
        tensors = range(len(self.layers) + 1)
        used = {tensor for reads in self.reads for tensor in reads}
        for tensor in self.outputs:
            if tensor not in tensors[1:]:
                raise CelosiaError(f"output {tensor} is no layer's result", where=self.name)
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise CelosiaError(
                f"outputs {list(self.outputs)} are not different tensors", where=self.name
            )
        for tensor in tensors:
            if tensor not in used and tensor not in self.outputs:
                what = self.layers[tensor - 1].name if tensor else "the input"
                raise CelosiaError("nothing reads its values", where=f"{self.name}, {what}")

    @property
    def is_chain(self) -> bool:
        """Whether each layer reads the one before it, and the last one is the only result."""
        return self.reads == chain(self.layers) and self.outputs == (len(self.layers),)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """(height, width, channels) of every tensor."""
        first = next(
            (
                shape
                for layer, reads in zip(self.layers, self.reads, strict=True)
                for tensor, shape in zip(reads, layer.input_shapes, strict=False)
                if tensor == 0
            ),
            self.layers[0].input_shape,
        )
        return (first, *(layer.output_shape for layer in self.layers))

    @property
    def quants(self) -> tuple[Quant, ...]:
        """Quantization of every tensor."""
        return (self.input, *(layer.result for layer in self.layers))

    @cached_property
    def input(self) -> Quant:
        for layer, reads in zip(self.layers, self.reads, strict=True):
            if 0 in reads:
                return getattr(layer, "other", layer.input) if reads[0] else layer.input
        raise CelosiaError("no layer reads the input", where=self.name)

    @property
    def output(self) -> Quant:
        """Quantization of the first result."""
        return self.layers[self.outputs[0] - 1].result

    @property
    def macs(self) -> int:
        """Multiplications one inference needs, before any are skipped."""
        return sum(layer.macs for layer in self.layers)

    def evaluate(self, x: np.ndarray) -> list[np.ndarray]:
        """Every layer's result, straight from its definition (`Layer.evaluate`).

        Parameters
        ----------
        x : int8 [images, values of the input].

        Returns
        -------
        one int8 [images, values] for each layer.
        """
        tensors = [x]
        for layer, reads in zip(self.layers, self.reads, strict=True):
            tensors.append(layer.evaluate(*(tensors[each] for each in reads)))
        return tensors[1:]


def _fits(given: Shape, taken: Shape, layer: Layer) -> bool:
    """Whether ``layer`` can see a tensor of shape ``given`` as ``taken``."""
    if isinstance(layer, Dense):
        return given[0] * given[1] * given[2] == layer.inputs
    return given[0] * given[1] == taken[0] * taken[1] and given[2] == taken[2]
