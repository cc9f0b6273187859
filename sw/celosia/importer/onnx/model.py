"""An ONNX model as a float network, or as a quantized one when it has its own scales."""

from pathlib import Path
from typing import Any

import numpy as np

from celosia.importer.guard import damage_as_error, text
from celosia.importer.operations.constants import spend
from celosia.importer.values import Value, Walk, assemble, in_layout
from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.support.errors import CelosiaError, located

from .call import Call
from .labels import labels
from .operators import compute
from .proto import OnnxGraph, load
from .qdq import LINEAR, Quantized, on_integers, qdq_network
from .qdq.weights import Scales

__all__ = ["onnx_model"]

_TODO = "check that the file is a complete .onnx file"


def onnx_model(
    data: bytes, name: str = "model", folder: Path | None = None
) -> FloatNetwork | Network:
    """The network in the bytes of an ``.onnx`` file.

    A model whose tensors go through QuantizeLinear operators keeps its own scales and zero points
    (`qdq_network`); any other is a float network.

    Parameters
    ----------
    folder : of the file; data in files beside it are read from there.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself, or onnx is not installed.
    Unsupported : an operator, or a form of it, is not supported; the error names its node.
    """
    with damage_as_error("not an ONNX model", _TODO):
        graph = load(data, folder)
        return in_layout(graph.size, lambda walk: _network(graph, name, walk))


def _network(graph: OnnxGraph, name: str, walk: Walk) -> FloatNetwork | Network:
    output, label_nodes, note = labels(graph)
    if note:
        walk.notes.append(note)
    if graph.input_type != "float32":
        walk.notes.append(
            f"the model's input is {graph.input_type}; it is taken as float32 of the same values"
        )
    values: dict[str, Any] = dict(graph.constants)
    values[graph.input] = Value.input(walk, graph.input_shape)
    scales, quantized = Scales(), False
    for node in graph.nodes:
        if node in label_nodes:
            continue
        with located(node.where):
            walk.where = node.where
            call = Call.of(node, values, graph.opset)
            result = _computed(call, walk, scales)
            quantized = quantized or isinstance(result, Quantized)
            results = result if isinstance(result, list) else [result]
            values.update(zip(node.outputs, results, strict=False))
    end = values.get(output)
    if not isinstance(end, Value | Quantized):
        raise CelosiaError(f"the output {text(output)!r} does not depend on the input")
    if quantized:
        return qdq_network(graph, name, end, scales)
    assert isinstance(end, Value)
    return assemble(end, name, graph.input_shape)


def _computed(call: Call, walk: Walk, scales: Scales) -> Any:
    """What a node gives: values of the model's input, or constants."""
    node = call.node
    if node.op in LINEAR:
        result = LINEAR[node.op](call)
        call.finish()
        if isinstance(result, np.ndarray):
            scales.add(call.array(1))
            return spend(walk.budget, result)
        return result
    if any(isinstance(each, Quantized) for each in call.arguments):
        return on_integers(call, compute)
    result = compute(call)
    entered = [each for each in call.arguments if isinstance(each, Value)]
    if isinstance(result, Value) and entered:
        walk.note(node.where, entered[0], result)
    elif isinstance(result, np.ndarray):
        return spend(walk.budget, result)
    return result
