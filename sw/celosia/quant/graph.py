"""The int8 graph of a float graph: ranges of all tensors from a sample, then layer by layer."""

from collections.abc import Sequence

import numpy as np

from celosia.network.float_graph import FloatGraph
from celosia.network.graph import Graph
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.support.errors import located

from .activation import activation, fixed_result
from .calibrate import activation_quant, choose_range
from .groups import COPIES, groups, passes
from .layers import bias_error, int8_layer

__all__ = ["Outputs", "int8_graph"]

#: Every layer's sums and results of a sample, as `FloatGraph.evaluate` gives them.
Outputs = Sequence[tuple[np.ndarray, np.ndarray]]


def int8_graph(
    graph: FloatGraph,
    x: np.ndarray,
    outputs: Outputs,
    method: str,
    name: str,
    correct: bool = False,
    runtime: Runtime = Runtime.LITERT,
) -> Graph:
    """``graph`` in int8.

    The input's range is that of all its values. A result's is what ``method`` finds in the sample;
    tensors whose bytes are copied (`groups`) have one range for all, the least that holds each.

    Parameters
    ----------
    graph : without `FloatScale` (`settle`).
    x : float [n, values], its input for the sample. outputs : its `FloatGraph.evaluate`.
    method : one of `METHODS`. name : of the result.
    correct : add to each layer's biases what its sums lack on average (`bias_error`), layer after
        layer.
    runtime : whose bytes its layers give.

    Raises
    ------
    CelosiaError : a value is not finite, a range has no float32 scale, or `int8_layer` refuses it;
        naming the layer.
    """
    names, shared = graph.names, _shared(graph, x, outputs, method)
    with located("input"):
        first = shared.get(0) or activation_quant(*choose_range(x, "minmax"))
    quants, layers = [first], []
    tensors = [first.quantize(x)] if correct else []
    for k, (layer, (sums, results)) in enumerate(zip(graph.layers, outputs, strict=True)):
        sources = [quants[tensor] for tensor in graph.reads[k]]
        given = sources[0] if isinstance(layer, COPIES) else None
        with located(names[k]):
            end = activation(
                layer.function, sums, results, method, given, shared.get(k + 1), runtime
            )
        made = int8_layer(names[k], layer, sources, end, runtime=runtime)
        if correct:
            inputs = [tensors[tensor] for tensor in graph.reads[k]]
            if (error := bias_error(layer, made, inputs[0], sums)) is not None:
                made = int8_layer(names[k], layer, sources, end, error, runtime)
            tensors.append(made.evaluate(*inputs))
        layers.append(made)
        quants.append(layers[-1].result)
    return Graph(name, tuple(layers), graph.reads, graph.outputs)


def _shared(graph: FloatGraph, x: np.ndarray, outputs: Outputs, method: str) -> dict[int, Quant]:
    """The quantization of every tensor that shares it with another one."""
    first, names = groups(graph), graph.names
    found: dict[int, Quant] = {}
    for group in {each for each in first if first.count(each) > 1}:
        members = [tensor for tensor, each in enumerate(first) if each == group]
        makers = [t for t in members if t == 0 or not passes(graph, t - 1)]
        fixed = {fixed_result(graph.layers[t - 1].function) if t else None for t in makers}
        if len(fixed) == 1 and (quant := fixed.pop()) is not None:
            found |= dict.fromkeys(members, quant)
            continue
        ranges = []
        for tensor in makers:
            values, how = (outputs[tensor - 1][1], method) if tensor else (x, "minmax")
            with located(names[tensor - 1] if tensor else "input"):
                ranges.append(choose_range(values, how))
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        found |= dict.fromkeys(members, activation_quant(low, high))
    return found
