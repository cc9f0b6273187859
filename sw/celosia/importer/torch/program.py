"""An exported PyTorch program as a float network."""

from typing import Any

import numpy as np

from celosia.importer.guard import damage_as_error, text
from celosia.importer.operations.constants import spend
from celosia.importer.values import Value, Walk, assemble, in_layout
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .archive import Program, load
from .node import DTYPES, FLOATS, Node, Stale, dtype_of, shape_of
from .operators import VIEWS, handler_of

__all__ = ["torch_network"]

_TODO = "write it with torch.export.save"
_FLOAT32 = 7


def torch_network(data: bytes, name: str = "model") -> FloatNetwork:
    """The float network in the bytes of a ``.pt2`` file. Nothing in the file is executed.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    Unsupported : an operator, or a form of it, is not supported; the error names its node.
    """
    with damage_as_error("not a PyTorch program", _TODO):
        program = load(data)
        return in_layout(len(data), lambda walk: _network(program, name, walk))


def _network(program: Program, name: str, walk: Walk) -> FloatNetwork:
    graph = program.graph
    entry = _one(program, "input")
    shape = shape_of(graph, entry)
    kind = graph["tensor_values"][entry]["dtype"]
    if kind != _FLOAT32:
        if kind not in FLOATS and kind not in DTYPES:
            raise Unsupported(f"an input of {dtype_of(kind)}", todo="give the model float32")
        walk.notes.append(
            f"the model's input is {dtype_of(kind)}; it is taken as float32 of the same values"
        )
    values: dict[str, Any] = dict(program.tensors)
    values[entry] = Value.input(walk, shape)
    memory: dict[str, str] = {}
    for each in graph["nodes"]:
        _run(Node(graph, each, values), walk, memory)
    result = values.get(_one(program, "output"))
    if isinstance(result, Stale):
        raise Unsupported(f"its result was changed in place by {result.by}")
    if not isinstance(result, Value):
        raise CelosiaError("its result does not depend on the input")
    return assemble(result, name, shape)


def _one(program: Program, side: str) -> str:
    """The name of the model's one input or output."""
    key = f"user_{side}"
    entries = [spec[key]["arg"] for spec in program.signature[f"{side}_specs"] if key in spec]
    if len(entries) != 1 or "as_tensor" not in entries[0]:
        names = ", ".join(text(each["as_tensor"]["name"]) for each in entries[:8]
                          if "as_tensor" in each)  # fmt: skip
        shown = f" ({names})" if names else ""
        raise Unsupported(f"the model has {len(entries)} {side}s{shown}, not 1 tensor")
    return entries[0]["as_tensor"]["name"]


def _run(node: Node, walk: Walk, memory: dict[str, str]) -> None:
    """Compute ``node`` and add its results to its values.

    ``memory`` has the first tensor of every piece of memory that several tensors are views of.
    """
    handler, in_place = handler_of(node.operator)
    with located(node.where):
        if handler is None:
            raise Unsupported("this operator is not supported")
        walk.where = node.where
        result = handler(node)
        node.finish()
        if isinstance(result, Value) and (entered := node.tensors):
            walk.note(node.where, entered[0], result)
        results = result if isinstance(result, list) else [result]
        for each in results:
            if isinstance(each, np.ndarray):
                spend(walk.budget, each)
        names = node.outputs if result is not None else []
        node.values.update(zip(names, results, strict=False))
        _share(node, names, in_place, memory)


def _share(node: Node, names: list[str], in_place: bool, memory: dict[str, str]) -> None:
    """Keep account of views: what is changed in place is changed in all of them."""
    source = next((each["arg"].get("as_tensor") for each in node.node["inputs"]), None)
    if not source:
        return
    own = source["name"]
    name = node.operator.partition(".")[0]
    if in_place and names:
        first = memory.get(own, own)
        for each in node.values:
            if memory.get(each, each) == first and each not in (own, *names):
                node.values[each] = Stale(node.where)
        node.values[own] = node.values[names[0]]
    if in_place or name in VIEWS:
        memory.update(dict.fromkeys(names, memory.get(own, own)))
