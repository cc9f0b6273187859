"""The graph evaluated directly: no packing, no tiles, no folding, no offset binary."""

from math import prod

import numpy as np

from celosia.network.graph import Graph
from celosia.support.errors import CelosiaError

__all__ = ["evaluate"]


def evaluate(graph: Graph, x: np.ndarray) -> list[np.ndarray]:
    """Every layer's outputs, as LiteRT's reference kernels define them (`Layer.evaluate`).

    Parameters
    ----------
    graph : the quantized network.
    x : int8 [images, K].

    Returns
    -------
    one int8 [images, N] array for each layer.

    Raises
    ------
    CelosiaError : ``x`` is not int8 or has another width than the first layer.
    """
    inputs = prod(graph.shapes[0])
    if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != inputs:
        raise CelosiaError(
            f"input of {x.dtype} {x.shape} is not int8 [images, {inputs}]", where=graph.name
        )
    return graph.evaluate(x)
