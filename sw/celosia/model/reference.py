"""The graph evaluated directly: no packing, no tiles, no folding, no offset binary."""

import numpy as np

from celosia.network.graph import Dense, Graph
from celosia.numerics.requantize import rescale
from celosia.support.errors import CelosiaError

__all__ = ["evaluate"]


def evaluate(graph: Graph, x: np.ndarray) -> list[np.ndarray]:
    """Every layer's outputs, as LiteRT's reference kernels define them.

    ``y[n] = table[clip(rescale(sum_k (x[k] - zp_in) * w[n, k] + b[n]) + zp, lo, hi)]``

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
    inputs = graph.layers[0].inputs
    if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != inputs:
        raise CelosiaError(
            f"input of {x.dtype} {x.shape} is not int8 [images, {inputs}]", where=graph.name
        )
    outputs = []
    for layer in graph.layers:
        x = _dense(layer, x)
        outputs.append(x)
    return outputs


def _dense(layer: Dense, x: np.ndarray) -> np.ndarray:
    # |x - zp| <= 255 and |w| <= 128: float64 sums are exact up to K = 2**38.
    acc = (x.astype(np.float64) - layer.input.zero_point) @ layer.weights.T.astype(np.float64)
    v = rescale(acc.astype(np.int64), layer.bias, layer.multiplier, layer.shift, layer.rounding)
    v = (v + layer.output.zero_point).astype(np.int32)
    y = np.clip(v, *layer.clamp)
    return y.astype(np.int8) if layer.table is None else layer.table[y + 128].astype(np.int8)
