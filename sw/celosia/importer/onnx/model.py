"""An ONNX model as a float network, or as a quantized one when it has its own scales."""

from typing import Any

import numpy as np

from celosia.importer.guard import damage_as_error, text
from celosia.importer.values import Value, Walk
from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.support.errors import CelosiaError, Unsupported, located

from .constants import CONSTANT_OPERATORS
from .operators import OPERATORS, Call
from .proto import OnnxGraph, load
from .qdq import qdq_network

__all__ = ["onnx_model"]

_TODO = "check that the file is a complete .onnx file"


def onnx_model(data: bytes, name: str = "model") -> FloatNetwork | Network:
    """The network in the bytes of an ``.onnx`` file.

    A model with QuantizeLinear operators keeps its own scales and zero points (`qdq_network`); any
    other is a float network.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself, or onnx is not installed.
    Unsupported : an operator, or a form of it, is not supported; the error names its node.
    """
    with damage_as_error("not an ONNX model", _TODO):
        graph, walk = load(data), Walk(len(data))
        if any(node.op == "QuantizeLinear" for node in graph.nodes):
            return qdq_network(graph, name, walk.budget)
        return _float_network(graph, name, walk)


def _float_network(graph: OnnxGraph, name: str, walk: Walk) -> FloatNetwork:
    values: dict[str, Any] = dict(graph.constants)
    values[graph.input] = Value(graph.input_shape, walk)
    for node in graph.nodes:
        with located(node.where):
            values[node.output] = _compute(Call.of(node, values, graph.opset), walk)
    result = values.get(graph.output)
    if not isinstance(result, Value):
        raise CelosiaError(f"the output {text(graph.output)!r} does not depend on the input")
    return result.network(name, graph.input_shape)


def _compute(call: Call, walk: Walk) -> Value | np.ndarray:
    """The result of a node: a value when one of its inputs is one, else a constant."""
    node = call.node
    if tensors := [each for each in call.arguments if isinstance(each, Value)]:
        if node.op not in OPERATORS:
            raise Unsupported("this operator is not supported")
        result = OPERATORS[node.op](call)
        if isinstance(result, Value):
            walk.note(node.where, tensors[0], result)
        return result
    if node.op not in CONSTANT_OPERATORS:
        raise Unsupported("this operator is not supported on constants")
    constant = CONSTANT_OPERATORS[node.op](node, call.arguments)
    walk.budget.spend(np.size(constant))
    return constant
