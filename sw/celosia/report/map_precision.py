"""Precision of a graph's layers, and how far each channel is off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celosia.network.graph import Graph

from .precision import LayerPrecision, fitted, ratio
from .real_layers import real

__all__ = ["Measured", "measure"]

#: Limits of one measurement, which takes a second: multiplications, and values of a layer.
_MACS, _VALUES = 400_000_000, 20_000_000


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of one layer.

    Parameters
    ----------
    precision : signal to noise.
    result : int8 [height, width, channels], its result for the first input.
    errors : float [channels], root of the mean square of what each channel is off, this layer
        alone, in steps of the result.
    """

    precision: LayerPrecision
    result: np.ndarray
    errors: np.ndarray


def images(graph: Graph, count: int) -> int:
    """How many of ``count`` inputs are measured."""
    values = max(graph.shapes, key=lambda shape: shape[0] * shape[1] * shape[2])
    most = min(_MACS // max(graph.macs, 1), _VALUES // int(np.prod(values)))
    return max(1, min(count, most))


def measure(
    graph: Graph,
    x: np.ndarray,
    entry: np.ndarray | None = None,
    reference: Sequence[np.ndarray] | None = None,
) -> list[Measured]:
    """Of every layer of ``graph``.

    Parameters
    ----------
    x : int8 [n, K] inputs.
    entry : float [n, K] inputs before quantization, or None.
    reference : float [n, N] results of the float model for each layer; None for the same graph in
        real numbers.
    """
    results = [x, *graph.evaluate(x)]
    given = graph.input
    chain = [(x.astype(np.float64) - given.zero_point) * given.scale if entry is None else entry]
    found = []
    for index, (layer, reads) in enumerate(zip(graph.layers, graph.reads, strict=True)):
        chain.append(real(layer, *(chain[tensor] for tensor in reads)))
        steps = [
            (results[tensor].astype(np.float64) - graph.quants[tensor].zero_point)
            * graph.quants[tensor].scale
            for tensor in reads
        ]
        y, quant = results[index + 1].astype(np.float64), layer.result
        alone = real(layer, *steps) / quant.scale + quant.zero_point
        wanted = chain[-1] if reference is None else np.asarray(reference[index], np.float64)
        cut = (alone > y + 1) & (y == y.max()) | (alone < y - 1) & (y == y.min())
        zero = quant.zero_point
        if reference is not None:
            wanted = fitted(wanted, (y - zero) * quant.scale, layer.output_shape[2])
        precision = LayerPrecision(
            ratio(wanted / quant.scale, y - zero), ratio(alone - zero, y - zero), cut.mean()
        )
        off = (y - alone).reshape(-1, layer.output_shape[2])
        errors = np.sqrt(np.square(off).mean(axis=0))
        found.append(Measured(precision, results[index + 1][0].reshape(layer.output_shape), errors))
    return found
