"""A whole model as a user sees it: host steps, then the engine's graph, then host steps."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from celosia.errors import CelosiaError
from celosia.graph import Graph

__all__ = ["Network"]

Step = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Network:
    """``y = finish(graph(prepare(x)))``.

    Parameters
    ----------
    graph : what the engine runs, int8 [n, K] to int8 [n, N].
    pre, post : steps of `celosia.host` before and after it, in order.
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

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """The engine's input, int8 [n, K].

        Parameters
        ----------
        x : `input_dtype` [n, *input_shape], or with axes that flatten to [n, K].

        Raises
        ------
        CelosiaError : another dtype or width, or a real that is not finite.
        """
        x = np.asarray(x)
        width = prod(self.input_shape)
        # float64 is what Python's own numbers make; narrowing it is no surprise.
        kinds = ("float32", "float64") if self.input_dtype == "float32" else (self.input_dtype,)
        if x.dtype.name not in kinds:
            raise CelosiaError(f"input is {x.dtype}, not {self.input_dtype}", where=self.graph.name)
        if x.ndim < 2 or prod(x.shape[1:]) != width:
            shape = ", ".join(map(str, ("n", *self.input_shape)))
            raise CelosiaError(f"input is {list(x.shape)}, not [{shape}]", where=self.graph.name)
        x = x.reshape(len(x), width)
        for step in self.pre:
            x = step(x)
        return x

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The model's result, `output_dtype` [n, *output_shape], of the engine's int8 [n, N]."""
        for step in self.post:
            y = step(y)
        return y.reshape(len(y), *self.output_shape)
