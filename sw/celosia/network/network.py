"""A whole model as a user sees it: host steps, then the engine's graph, then host steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError

from .graph import Graph
from .heads import Head, named
from .host_steps import HostSteps

__all__ = ["Network"]


@dataclass(frozen=True, eq=False)
class Network:
    """``y = finish(graph(prepare(x)))``.

    Parameters
    ----------
    graph : what the engine runs, int8 [n, K] to int8 [n, N] for each of its results.
    host : what the host does before and after it, and what the model takes and gives.
    notes : remarks for the user, one line each, about what an importer could not keep exact.
    tensors : what the model file calls the graph's input and every layer's result (an index or a
        name), to compare with other runtimes, -1 where it has none; () when it has no such
        tensors.
    reference : whose bytes it computes, where the model file has a runtime of its own.

    Raises
    ------
    CelosiaError : a shape does not hold what the graph takes or gives.
    """

    graph: Graph
    host: HostSteps
    notes: tuple[str, ...] = ()
    tensors: tuple[int | str, ...] = ()
    reference: Runtime = Runtime.LITERT

    def __post_init__(self) -> None:
        shape, width = self.host.input_shape, prod(self.graph.shapes[0])
        if prod(shape) != width:
            raise CelosiaError(
                f"input shape {list(shape)} does not hold {width} values", where=self.graph.name
            )
        try:
            assert self.heads
        except ValueError as error:
            raise CelosiaError(str(error), where=self.graph.name) from error

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """The results, in the order of `Graph.outputs`, each with a name of its own."""
        return named(self.host.heads, _made(self.graph))

    @classmethod
    def of(cls, graph: Graph) -> "Network":
        """``graph`` with nothing around it: int8 [n, K] in, int8 [n, N] out."""
        first, *more = named(None, _made(graph))
        host = HostSteps(
            input_shape=(prod(graph.shapes[0]),),
            output_shape=first.shape,
            output_name=first.name if more else "",
            more=tuple(more),
        )
        return cls(graph, host)

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """The engine's input, int8 [n, K]; `HostSteps.prepare` says of what."""
        return self.host.prepare(x, self.graph.name)

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The model's output, its first head, of the engine's int8 [n, N]."""
        return self.host.finish(y)

    def finish_heads(self, results: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """All results by name, of the engine's int8 [n, N] for each of `Graph.outputs`."""
        return {head.name: head.finish(y) for head, y in zip(self.heads, results, strict=True)}

    def describe_heads(self) -> list[dict]:
        """`Head.describe` of each result."""
        layers = [self.graph.layers[tensor - 1] for tensor in self.graph.outputs]
        return [head.describe(layer.result) for head, layer in zip(self.heads, layers, strict=True)]


def _made(graph: Graph) -> list[tuple[str, int]]:
    """Name and number of values of the layer that makes each result."""
    layers = [graph.layers[tensor - 1] for tensor in graph.outputs]
    return [(layer.name, layer.outputs) for layer in layers]
