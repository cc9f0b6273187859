"""A whole model as a user sees it: host steps, then the engine's graph, then host steps."""

from dataclasses import dataclass
from math import prod

import numpy as np

from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError

from .graph import Graph
from .host_steps import HostSteps

__all__ = ["Network"]


@dataclass(frozen=True, eq=False)
class Network:
    """``y = finish(graph(prepare(x)))``.

    Parameters
    ----------
    graph : what the engine runs, int8 [n, K] to int8 [n, N]; several results are side by side.
    host : what the host does before and after it, and what the model takes and gives.
    notes : remarks for the user, one line each, about what an importer could not keep exact.
    tensors : what the model file calls the graph's input and every layer's result (an index or a
        name), to compare with other runtimes; () when it has no such tensors.
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
        for what, shape, width in (
            ("input", self.host.input_shape, prod(self.graph.shapes[0])),
            ("output", self.host.output_shape, self._outputs(self.graph)),
        ):
            if prod(shape) != width:
                raise CelosiaError(
                    f"{what} shape {list(shape)} does not hold {width} values",
                    where=self.graph.name,
                )

    @classmethod
    def of(cls, graph: Graph) -> "Network":
        """``graph`` with nothing around it: int8 [n, K] in, int8 [n, N] out."""
        sizes = (prod(graph.shapes[0]),), (cls._outputs(graph),)
        return cls(graph, HostSteps(input_shape=sizes[0], output_shape=sizes[1]))

    @staticmethod
    def _outputs(graph: Graph) -> int:
        """Values an image in all results."""
        return sum(graph.layers[tensor - 1].outputs for tensor in graph.outputs)

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """The engine's input, int8 [n, K]; `HostSteps.prepare` says of what."""
        return self.host.prepare(x, self.graph.name)

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The model's result (`HostSteps.finish`) of the engine's int8 [n, N]."""
        return self.host.finish(y)
