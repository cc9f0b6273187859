"""Cross-layer equalization: channels of unlike range brought to one, exact in float.

A factor per channel passes through a function with ``f(s * x) = s * f(x)`` for s > 0, through pools
and means. So a channel's weights may be divided by s and the next layer's weights of it multiplied
by s (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019).
At the network's ends the host takes the factors, in float.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from celosia.network.float_graph import FloatGraph
from celosia.network.float_layers import (
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatLayer,
    FloatMean,
    FloatPad,
    FloatPool,
)
from celosia.network.functions import Function, X, clip

from .graph import Outputs
from .scales import Affine, Settled, pads, scaled_inputs, scaled_outputs

__all__ = ["equalized_input", "equalized_layers", "equalized_results"]

_WEIGHTED = (FloatDense, FloatConvolution, FloatDepthwise)
#: Factors are kept within this and its inverse of their geometric mean.
_MOST = 2.0**12
#: Results whose ranges differ by this lose four of eight bits.
_UNLIKE = 16


def equalized_input(settled: Settled, x: np.ndarray, centred: bool) -> Settled | None:
    """The host divides each channel of the input by a factor, and the first layers multiply by it.

    Parameters
    ----------
    x : float [n, values], a sample of the graph's input.
    centred : subtract the middle of each channel's range, too.

    Returns
    -------
    None where it is not exact: what reads the input has no weights, or, if ``centred``, reads zeros
    around a map.
    """
    graph = settled.graph
    readers = graph.readers(0)
    if not all(isinstance(graph.layers[each], _WEIGHTED) for each in readers):
        return None
    if centred and any(pads(graph.layers[each]) for each in readers):
        return None
    channels = graph.shapes[0][2]
    values = x.reshape(-1, channels).astype(np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    middle = (low + high) / 2 if centred else np.zeros(channels)
    reach = (high - low) / 2 if centred else np.maximum(-low, high)
    factor = _factors(reach, [graph.layers[each] for each in readers])
    if factor is None:
        return None
    layers = list(graph.layers)
    for each in readers:
        layers[each] = scaled_inputs(layers[each], factor, middle)
    repeats = x.shape[1] // channels
    host = Affine(np.tile(1 / factor, repeats), np.tile(-middle / factor, repeats))
    changed = replace(graph, layers=tuple(layers))
    return replace(settled, graph=changed, before=settled.before.then(host))


def equalized_layers(settled: Settled, outputs: Outputs) -> Settled | None:
    """Factors between all layers where they are exact; None where there is no such place.

    ``outputs`` is `FloatGraph.evaluate` of the settled graph on a sample.
    """
    graph, found = settled.graph, False
    layers: list[Any] = list(graph.layers)
    for index, layer in enumerate(graph.layers):
        tensor = index + 1
        if not isinstance(layer, _WEIGHTED) or not _homogeneous(layer.function):
            continue
        readers = list(_weighted_readers(graph, tensor))
        if not readers or None in readers:
            continue
        consumers = sorted({each for each in readers if each is not None})
        values = np.abs(outputs[index][1]).reshape(-1, layer.output_shape[2]).max(axis=0)
        factor = _factors(values, [layers[each] for each in consumers])
        if factor is None:
            continue
        found = True
        layers[index] = scaled_outputs(layers[index], 1 / factor)
        for each in consumers:
            layers[each] = scaled_inputs(layers[each], factor)
    return replace(settled, graph=replace(graph, layers=tuple(layers))) if found else None


def equalized_results(settled: Settled, outputs: Outputs) -> Settled | None:
    """Each channel of the result divided by its range, which the host multiplies by.

    None where the last layer has no weights or a function that is not exact with it, and where no
    range is less than a 16th of another: the class with the largest result is then still that with
    the largest byte.
    """
    graph = settled.graph
    index = graph.outputs[0] - 1
    layer: Any = graph.layers[index]
    if not isinstance(layer, _WEIGHTED) or graph.readers(index + 1):
        return None
    if not _homogeneous(layer.function):
        return None
    factor = np.abs(outputs[index][1]).reshape(-1, layer.output_shape[2]).max(axis=0)
    if not (factor > 0).all() or factor.max() < _UNLIKE * factor.min():
        return None
    layers = list(graph.layers)
    layers[index] = scaled_outputs(layer, 1 / factor)
    host = Affine(
        np.tile(factor.astype(np.float64), layer.outputs // len(factor)), np.zeros(layer.outputs)
    )
    changed = replace(graph, layers=tuple(layers))
    return replace(settled, graph=changed, after=host.then(settled.after))


def _homogeneous(f: Function) -> bool:
    """``f(s * x) = s * f(x)`` for all s > 0."""
    return f in (X, clip(0)) or (f.name == "leaky_relu" and f.args == (X,))


def _weighted_readers(graph: FloatGraph, tensor: int) -> Iterator[int | None]:
    """The layers with weights that read ``tensor``, through pools, means and borders; None for
    another reader, and for the network's result."""
    if tensor in graph.outputs:
        yield None
    for index in graph.readers(tensor):
        layer = graph.layers[index]
        if isinstance(layer, _WEIGHTED):
            yield index
        elif isinstance(layer, FloatPool | FloatMean | FloatPad) and _homogeneous(layer.function):
            yield from _weighted_readers(graph, index + 1)
        else:
            yield None


def _factors(reach: np.ndarray, readers: Sequence[FloatLayer]) -> np.ndarray | None:
    """float64 [C]: ``sqrt(reach / weight)`` relative to their geometric mean.

    ``weight`` is the largest magnitude of the channel's weights, each relative to the largest of
    its row: rows have a scale of their own. That splits the loss evenly between activations and
    weights; of depthwise layers, whose weights lose nothing, it is ``reach``. A channel that is
    constant in the sample, or that nothing reads, gets the largest factor. None when all are so.
    """
    weight = np.max([_relative(layer) for layer in readers], axis=0)
    depthwise = all(isinstance(layer, FloatDepthwise) for layer in readers)
    live = (reach > 0) & (weight > 0)
    if not live.any():
        return None
    squares = np.where(live, reach, 1.0) / (1.0 if depthwise else np.where(live, weight, 1.0))
    logs = np.log2(squares) * (1.0 if depthwise else 0.5)
    logs = np.where(live, logs - logs[live].mean(), -np.inf)
    logs = np.where(live, logs, logs[live].max())
    limit = np.log2(_MOST)
    return np.exp2(np.clip(logs, -limit, limit))


def _relative(layer: Any) -> np.ndarray:
    """float [C]: the largest weight of each input channel, relative to the largest of its row."""
    if isinstance(layer, FloatDepthwise):
        return np.ones(layer.input_shape[2])
    if isinstance(layer, FloatConvolution):
        rows = np.abs(layer.weights).max(axis=(1, 2))
    else:
        rows = np.abs(layer.weights).T
    largest = rows.max(axis=1, keepdims=True)
    relative = (rows / np.where(largest > 0, largest, 1)).max(axis=0)
    # A dense layer's inputs run over pixels, then channels.
    channels = relative.shape[0] if isinstance(layer, FloatConvolution) else layer.input_shape[2]
    return relative.reshape(-1, channels).max(axis=0)
