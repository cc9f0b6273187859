"""An exported PyTorch program as a float network."""

from dataclasses import dataclass, field

import numpy as np

from celosia.importer.guard import named, text
from celosia.importer.values import Ledger, Value
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .archive import Program, load
from .operators import BATCH, OPERATORS

__all__ = ["torch_network"]

_TODO = "write it with torch.export.save"


def torch_network(data: bytes, name: str = "model") -> FloatNetwork:
    """The bytes of a ``.pt2`` file as a float network. Nothing in the file is executed.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    Unsupported : an operator, or a form of it, that is not known; named with its node.
    """
    with named("not a PyTorch program", _TODO):
        return _network(load(data), name, Ledger(len(data)))


def _network(program: Program, name: str, ledger: Ledger) -> FloatNetwork:
    graph, values = program.graph, dict(program.tensors)
    users = [spec["user_input"]["arg"] for spec in _specs(program, "input", "user_input")]
    results = [spec["user_output"]["arg"] for spec in _specs(program, "output", "user_output")]
    for what, entries in (("inputs", users), ("outputs", results)):
        if len(entries) != 1 or "as_tensor" not in entries[0]:
            raise Unsupported(f"the model has {len(entries)} {what}, not 1 tensor")
    entry, result = (each[0]["as_tensor"]["name"] for each in (users, results))
    shape = _shape(graph, entry)
    values[entry] = Value(shape, ledger)
    for node in graph["nodes"]:
        _run(_Node(graph, node, values))
    if not isinstance(values.get(result), Value):
        raise CelosiaError(f"the output {text(result)} does not depend on the input")
    return values[result].network(name, shape)


def _specs(program: Program, side: str, kind: str) -> list[dict]:
    return [spec for spec in program.signature[f"{side}_specs"] if kind in spec]


def _run(node: "_Node") -> None:
    handler = OPERATORS.get(node.operator)
    with located(node.where):
        if handler is None:
            raise Unsupported("this operator is not supported")
        outputs = node.node["outputs"]
        result = handler(node)
        if isinstance(result, Value) and (entered := node.tensors):
            result.ledger.note(node.where, entered[0], result)
        if "as_tensor" in outputs[0]:
            node.values[outputs[0]["as_tensor"]["name"]] = result
        elif "as_tensors" in outputs[0]:
            node.values[outputs[0]["as_tensors"][0]["name"]] = result
        elif "as_sym_int" in outputs[0]:
            node.values[outputs[0]["as_sym_int"]["as_name"]] = result


def _shape(graph: dict, tensor: str) -> tuple[int, ...]:
    """Without the batch axis."""
    sizes = graph["tensor_values"][tensor]["sizes"]
    if len(sizes) < 2:
        raise Unsupported(
            f"{text(tensor)} has {len(sizes)} axes", todo="give the model a batch axis"
        )
    if any("as_int" not in size for size in sizes[1:]):
        raise Unsupported(f"{text(tensor)} has a dynamic axis that is not the batch")
    return tuple(size["as_int"] for size in sizes[1:])


@dataclass
class _Node:
    """One call of an operator, with its arguments by the names of ATen's schema."""

    graph: dict
    node: dict
    values: dict
    arguments: dict = field(init=False)

    def __post_init__(self):
        self.arguments = {each["name"]: each["arg"] for each in self.node["inputs"]}

    @property
    def operator(self) -> str:
        """Such as ``linear.default``."""
        return self.node["target"].removeprefix("torch.ops.aten.")

    @property
    def where(self) -> str:
        return text(f"{self.operator} {self.node.get('name') or ''}".strip())

    def get(self, name: str, default=None):
        """A `Value`, an array, a number, a list of numbers, a string, or `default`."""
        if name not in self.arguments:
            return default
        ((kind, value),) = self.arguments[name].items()
        if kind == "as_none":
            return default
        if kind == "as_tensor":
            if value["name"] not in self.values:
                raise CelosiaError(f"tensor {text(value['name'])} is not there")
            return self.values[value["name"]]
        if kind == "as_sym_int":
            return value.get("as_int", BATCH)
        if kind == "as_float":
            return float(value)
        if kind in ("as_int", "as_bool", "as_string", "as_ints", "as_floats"):
            return value
        if kind == "as_sym_ints":
            return [each.get("as_int", BATCH) for each in value]
        return None

    @property
    def tensors(self) -> list[Value]:
        """The arguments that depend on the input."""
        return [each for each in map(self.get, self.arguments) if isinstance(each, Value)]

    def value(self, name: str) -> Value:
        found = self.get(name)
        if not isinstance(found, Value):
            raise Unsupported(f"its argument {name!r} does not depend on the input")
        return found

    def constant(self, name: str, default=None):
        found = self.get(name, default)
        if isinstance(found, Value):
            raise Unsupported(f"its argument {name!r} depends on the input")
        return found

    def number(self, name: str, default: float) -> float:
        found = self.constant(name, default)
        return float(np.asarray(found, np.float64).reshape(()))

    @property
    def output_shape(self) -> tuple[int, ...]:
        return _shape(self.graph, self.node["outputs"][0]["as_tensor"]["name"])
