"""Tensors that must share one quantization, because LiteRT's kernels copy their bytes."""

from celosia.network.float_graph import FloatGraph
from celosia.network.float_layers import FloatConcatenation, FloatPad, FloatPool
from celosia.network.functions import X

__all__ = ["COPIES", "groups", "passes"]

#: Layers whose sums have the quantization of what they read.
COPIES = (FloatPool, FloatPad, FloatConcatenation)


def passes(graph: FloatGraph, index: int) -> bool:
    """Whether the result of layer ``index`` has the quantization of what it reads: pools, borders
    and concatenations, unless an element table follows."""
    layer = graph.layers[index]
    only_clips = layer.function == X or layer.function.limits is not None
    return isinstance(layer, COPIES) and only_clips


def groups(graph: FloatGraph) -> tuple[int, ...]:
    """For each tensor the first of those that share its quantization.

    The inputs of a concatenation are among them, whether or not a table follows it.
    """
    first = list(range(len(graph.layers) + 1))

    def root(tensor: int) -> int:
        while first[tensor] != tensor:
            tensor = first[tensor]
        return tensor

    for index, (layer, reads) in enumerate(zip(graph.layers, graph.reads, strict=True)):
        tied = list(reads) if isinstance(layer, FloatConcatenation) else []
        if passes(graph, index):
            tied = [*reads, index + 1]
        roots = sorted({root(each) for each in tied})
        for each in roots[1:]:
            first[each] = roots[0]
    return tuple(map(root, range(len(first))))
