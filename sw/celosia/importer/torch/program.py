"""An exported PyTorch program as a float network."""

from typing import Any

from celosia.importer.guard import damage_as_error, text
from celosia.importer.values import Value, Walk
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .archive import Program, load
from .node import Node, shape_of
from .operators import OPERATORS

__all__ = ["torch_network"]

_TODO = "write it with torch.export.save"


def torch_network(data: bytes, name: str = "model") -> FloatNetwork:
    """The float network in the bytes of a ``.pt2`` file. Nothing in the file is executed.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    Unsupported : an operator, or a form of it, is not supported; the error names its node.
    """
    with damage_as_error("not a PyTorch program", _TODO):
        return _network(load(data), name, Walk(len(data)))


def _network(program: Program, name: str, walk: Walk) -> FloatNetwork:
    graph = program.graph
    values: dict[str, Any] = dict(program.tensors)
    users = [spec["user_input"]["arg"] for spec in _specs(program, "input", "user_input")]
    results = [spec["user_output"]["arg"] for spec in _specs(program, "output", "user_output")]
    for what, entries in (("inputs", users), ("outputs", results)):
        if len(entries) != 1 or "as_tensor" not in entries[0]:
            raise Unsupported(f"the model has {len(entries)} {what}, not 1 tensor")
    entry, result = (each[0]["as_tensor"]["name"] for each in (users, results))
    shape = shape_of(graph, entry)
    values[entry] = Value(shape, walk)
    for node in graph["nodes"]:
        _run(Node(graph, node, values))
    if not isinstance(values.get(result), Value):
        raise CelosiaError(f"the output {text(result)} does not depend on the input")
    return values[result].network(name, shape)


def _specs(program: Program, side: str, kind: str) -> list[dict[str, Any]]:
    return [spec for spec in program.signature[f"{side}_specs"] if kind in spec]


def _run(node: Node) -> None:
    """Compute ``node`` and add its result to its values."""
    handler = OPERATORS.get(node.operator)
    with located(node.where):
        if handler is None:
            raise Unsupported("this operator is not supported")
        outputs = node.node["outputs"]
        result = handler(node)
        if isinstance(result, Value) and (entered := node.tensors):
            result.walk.note(node.where, entered[0], result)
        if "as_tensor" in outputs[0]:
            node.values[outputs[0]["as_tensor"]["name"]] = result
        elif "as_tensors" in outputs[0]:
            node.values[outputs[0]["as_tensors"][0]["name"]] = result
        elif "as_sym_int" in outputs[0]:
            node.values[outputs[0]["as_sym_int"]["as_name"]] = result
