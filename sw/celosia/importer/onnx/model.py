"""An ONNX model as a float network, or as a quantized one when it holds its own scales."""

import numpy as np

from celosia.importer.guard import named, text
from celosia.importer.values import Ledger, Value
from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.support.errors import CelosiaError, Unsupported, located

from .constants import CONSTANT_OPERATORS
from .operators import OPERATORS, Call
from .proto import Node, OnnxGraph, load
from .qdq import qdq_network

__all__ = ["onnx_model"]

_TODO = "check that the file is a complete .onnx file"


def onnx_model(data: bytes, name: str = "model") -> FloatNetwork | Network:
    """The bytes of an ``.onnx`` file.

    A model with QuantizeLinear operators is taken with its own scales and zero points
    (`qdq_network`); any other is a float network.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself, or onnx is not installed.
    Unsupported : an operator, or a form of it, that is not known; named with its node.
    """
    with named("not an ONNX model", _TODO):
        graph, ledger = load(data), Ledger(len(data))
        if any(node.op == "QuantizeLinear" for node in graph.nodes):
            return qdq_network(graph, name, ledger)
        return _float_network(graph, name, ledger)


def _float_network(graph: OnnxGraph, name: str, ledger: Ledger) -> FloatNetwork:
    values = dict(graph.constants)
    values[graph.input] = Value(graph.input_shape, ledger)
    for node in graph.nodes:
        with located(node.where):
            values[node.output] = _compute(node, values, graph.opset, ledger)
    result = values.get(graph.output)
    if not isinstance(result, Value):
        raise CelosiaError(f"the output {text(graph.output)!r} does not depend on the input")
    return result.network(name, graph.input_shape)


def _compute(node: Node, values: dict, opset: int, ledger: Ledger):
    arguments = arguments_of(node, values)
    if tensors := [each for each in arguments if isinstance(each, Value)]:
        if node.op not in OPERATORS:
            raise Unsupported("this operator is not supported")
        result = OPERATORS[node.op](Call(node, arguments, opset))
        if isinstance(result, Value):
            ledger.note(node.where, tensors[0], result)
        return result
    if node.op not in CONSTANT_OPERATORS:
        raise Unsupported("this operator is not supported on constants")
    result = CONSTANT_OPERATORS[node.op](node, arguments)
    ledger.spend(np.size(result))
    return result


def arguments_of(node: Node, values: dict) -> list:
    """What enters ``node``; None for an input that is left out."""
    for name in node.inputs:
        if name and name not in values:
            raise CelosiaError(f"input {text(name)!r} is not there")
    return [values[name] if name else None for name in node.inputs]
