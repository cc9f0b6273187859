"""A whole model as a user sees it: host steps, then the engine's graph, then host steps."""

from dataclasses import dataclass
from math import prod

import numpy as np

from celosia.support.errors import CelosiaError

from .graph import Graph
from .host_steps import Edges, Step

__all__ = ["Network"]


@dataclass(frozen=True, eq=False)
class Network:
    """``y = finish(graph(prepare(x)))``.

    Parameters
    ----------
    graph : what the engine runs, int8 [n, K] to int8 [n, N].
    pre, post : steps of `celosia.network.steps` before and after it, in order.
    input_shape, output_shape : shape of one image and of one result, without the batch axis.
    input_dtype, output_dtype : "int8", "uint8" or "float32".
    notes : remarks for the user, one line each, about what an importer could not keep exact.
    tensors : what the model file calls the graph's input and every layer's result (an index or a
        name), to compare with other runtimes; () when it has no such tensors.

    Raises
    ------
    CelosiaError : a shape does not hold what the graph takes or gives.
    """

    graph: Graph
    pre: tuple[Step, ...] = ()
    post: tuple[Step, ...] = ()
    input_shape: tuple[int, ...] = ()
    input_dtype: str = "int8"
    output_shape: tuple[int, ...] = ()
    output_dtype: str = "int8"
    notes: tuple[str, ...] = ()
    tensors: tuple[int | str, ...] = ()

    def __post_init__(self):
        for what, shape, width in (
            ("input", self.input_shape, self.graph.layers[0].inputs),
            ("output", self.output_shape, self.graph.layers[-1].outputs),
        ):
            if prod(shape) != width:
                raise CelosiaError(
                    f"{what} shape {list(shape)} does not hold {width} values",
                    where=self.graph.name,
                )

    @property
    def edges(self) -> Edges:
        """What the host does, without the graph."""
        return Edges(
            pre=self.pre,
            post=self.post,
            input_shape=self.input_shape,
            input_dtype=self.input_dtype,
            output_shape=self.output_shape,
            output_dtype=self.output_dtype,
        )

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """The engine's input, int8 [n, K]; `Edges.prepare` says of what."""
        return self.edges.prepare(x, self.graph.name)

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The model's result, `output_dtype` [n, *output_shape], of the engine's int8 [n, N]."""
        return self.edges.finish(y)
