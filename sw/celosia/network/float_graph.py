"""The float graph: what importers make of a model file, and what the quantizer takes."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from celosia.support.errors import CelosiaError

from .float_layers import FloatDense, FloatLayer
from .graph import Reads, chain
from .layers import Shape

__all__ = ["FloatGraph"]


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """Layers from one real map to one or more real results; a `Graph` before it is quantized.

    Tensor 0 is the input; layer i writes tensor i + 1 and reads only tensors before it. Maps are
    (height, width, channels), a vector of n values is (1, 1, n). A layer may see a tensor's pixels
    in other lines, such as 49 x 1 as 1 x 49, or a whole map as one vector where it is a
    `FloatDense`; values always run over (y, x, channel). A model that flattens a map of channels
    first has its dense weights' rows brought to that order by whoever builds the graph.

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
        when there is no layer, a layer reads what does not fit it or is not computed before it, or
        a tensor is neither read nor a result.
    """

    name: str
    layers: tuple[FloatLayer, ...]
    # Never None once it is made.
    reads: Reads = None  # type: ignore[assignment]
    outputs: tuple[int, ...] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if not self.layers:
            raise CelosiaError("the model has no linear layer", where=self.name)
        if self.reads is None:
            object.__setattr__(self, "reads", chain(self.layers))
        if self.outputs is None:
            object.__setattr__(self, "outputs", (len(self.layers),))
        if len(self.reads) != len(self.layers):
            raise CelosiaError(
                f"{len(self.reads)} lists of tensors for {len(self.layers)} layers", where=self.name
            )
        for index, (layer, reads) in enumerate(zip(self.layers, self.reads, strict=True)):
            self._check_reads(index, layer, reads)
        self._check_use()

    def _check_reads(self, index: int, layer: FloatLayer, reads: tuple[int, ...]) -> None:
        where = layer.origin or f"layer {index}"
        if len(reads) != len(layer.input_shapes):
            raise CelosiaError(
                f"reads {len(reads)} tensors, not {len(layer.input_shapes)}", where=where
            )
        for tensor, shape in zip(reads, layer.input_shapes, strict=True):
            if not 0 <= tensor <= index:
                raise CelosiaError(
                    f"reads tensor {tensor}, which is not computed before it", where=where
                )
            given = self.shapes[tensor]
            if _fits(given, shape, layer):
                continue
            before = "input"
            if tensor:
                before = self.layers[tensor - 1].origin or f"layer {tensor - 1}"
            if given[:2] == shape[:2] == (1, 1):
                raise CelosiaError(
                    f"{given[2]} outputs, but {where} takes {shape[2]} inputs", where=before
                )
            raise CelosiaError(f"map {list(given)}, but {where} takes {list(shape)}", where=before)

    def _check_use(self) -> None:
        used = {tensor for reads in self.reads for tensor in reads}
        for tensor in self.outputs:
            if not 1 <= tensor <= len(self.layers):
                raise CelosiaError(f"output {tensor} is no layer's result", where=self.name)
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise CelosiaError(
                f"outputs {list(self.outputs)} are not different tensors", where=self.name
            )
        for tensor in range(len(self.layers) + 1):
            if tensor not in used and tensor not in self.outputs:
                what = self.layers[tensor - 1].origin or f"layer {tensor - 1}"
                what = what if tensor else "the input"
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
            self.layers[0].input_shapes[0],
        )
        return (first, *(layer.output_shape for layer in self.layers))

    @property
    def names(self) -> tuple[str, ...]:
        """What each layer is called in the int8 network: its kind and its number, so that they do
        not depend on the format that the model came in."""
        return tuple(f"{layer.kind}_{index}" for index, layer in enumerate(self.layers))

    @property
    def macs(self) -> int:
        """Multiplications of one inference."""
        return sum(layer.macs for layer in self.layers)

    def readers(self, tensor: int) -> tuple[int, ...]:
        """The indices of the layers that read ``tensor``, each once."""
        return tuple(index for index, reads in enumerate(self.reads) if tensor in reads)

    def evaluate(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Every layer's sums and what its function makes of them, straight from its definition.

        Parameters
        ----------
        x : float32 or float64 [images, values of the input], in the order (y, x, channel).

        Returns
        -------
        Per layer two arrays [images, values] of the type of ``x``; without a function they are the
        same array.
        """
        tensors, found = [x], []
        for layer, reads in zip(self.layers, self.reads, strict=True):
            sums = layer.sums(*(tensors[each] for each in reads))
            tensors.append(layer.apply(sums))
            found.append((sums, tensors[-1]))
        return found


def _fits(given: Shape, taken: Shape, layer: FloatLayer) -> bool:
    """Whether ``layer`` can see a tensor of shape ``given`` as ``taken``."""
    if isinstance(layer, FloatDense):
        return prod(given) == prod(taken)
    return given[0] * given[1] == taken[0] * taken[1] and given[2] == taken[2]
