"""One call of an ATen operator in an exported program."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from celosia.importer.guard import text
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["BATCH", "Node", "shape_of"]

#: In place of the batch axis's size, which is symbolic.
BATCH = -1


def shape_of(graph: dict[str, Any], tensor: str) -> tuple[int, ...]:
    """The shape of ``tensor`` without the batch axis.

    Raises
    ------
    Unsupported : it has no batch axis, or another axis is dynamic.
    """
    sizes = graph["tensor_values"][tensor]["sizes"]
    if len(sizes) < 2:
        raise Unsupported(
            f"{text(tensor)} has {len(sizes)} axes, not 2 or more",
            todo="give the model a batch axis",
        )
    if any("as_int" not in size for size in sizes[1:]):
        raise Unsupported(f"{text(tensor)} has a dynamic axis other than the batch")
    return tuple(size["as_int"] for size in sizes[1:])


@dataclass
class Node:
    """A node of the graph, with its arguments by the names of ATen's schema.

    Parameters
    ----------
    graph, node : JSON objects of the file.
    values : tensors and numbers computed so far, by name.
    """

    graph: dict[str, Any]
    node: dict[str, Any]
    values: dict[str, Any]
    arguments: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.arguments = {each["name"]: each["arg"] for each in self.node["inputs"]}

    @property
    def operator(self) -> str:
        """The operator with its overload, such as ``linear.default``."""
        return self.node["target"].removeprefix("torch.ops.aten.")

    @property
    def where(self) -> str:
        """Operator and name of the node, for messages."""
        return text(f"{self.operator} {self.node.get('name') or ''}".strip())

    def get(self, name: str, default: Any = None) -> Any:
        """A `Value`, an array, a number, a list of numbers, a string, or ``default``."""
        if name not in self.arguments:
            return default
        ((kind, value),) = self.arguments[name].items()
        if kind == "as_none":
            return default
        if kind == "as_tensor":
            if value["name"] not in self.values:
                raise CelosiaError(f"tensor {text(value['name'])} is not computed before it")
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
        """An argument that depends on the input."""
        found = self.get(name)
        if not isinstance(found, Value):
            raise Unsupported(f"its argument {name!r} does not depend on the input")
        return found

    def constant(self, name: str, default: Any = None) -> Any:
        """As `get`, for an argument that does not depend on the input."""
        found = self.get(name, default)
        if isinstance(found, Value):
            raise Unsupported(f"its argument {name!r} depends on the input")
        return found

    def array(self, name: str) -> np.ndarray:
        """A constant tensor."""
        found = self.constant(name)
        if not isinstance(found, np.ndarray):
            raise CelosiaError(f"its argument {name!r} is not a tensor")
        return found

    def number(self, name: str, default: float) -> float:
        """A constant number, or a tensor of one."""
        found = self.constant(name, default)
        return float(np.asarray(found, np.float64).reshape(()))

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the first result, without the batch axis."""
        return shape_of(self.graph, self.node["outputs"][0]["as_tensor"]["name"])
