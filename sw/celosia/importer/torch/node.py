"""One call of an ATen operator in an exported program, which remembers what was read of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from celosia.importer.guard import text
from celosia.importer.operations import BATCH
from celosia.importer.operations.constants import Operand
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["DTYPES", "EVAL", "FLOATS", "Handler", "Node", "Stale", "dtype_of", "shape_of"]

#: torch._export.serde.schema.ScalarType by number: names for people, NumPy's types where it has
#: them, and those that a model may compute in.
_NAMES = (
    "unknown uint8 int8 int16 int32 int64 float16 float32 float64 complex32 complex64 complex128 "
    "bool bfloat16"
).split()
DTYPES = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8", 12: "?"}
FLOATS = (6, 7, 8, 13)
#: What to do about operators that only training has: dropout, statistics, counters of batches.
EVAL = "export model.eval()"


def dtype_of(number: object) -> str:
    """The name of a scalar type."""
    if isinstance(number, int) and 0 <= number < len(_NAMES):
        return _NAMES[number]
    return f"scalar type {text(number)}"


def shape_of(graph: dict[str, Any], tensor: str) -> tuple[int, ...]:
    """The shape of the model's input ``tensor`` without the batch axis.

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


@dataclass(frozen=True)
class Stale:
    """What is left of a tensor after an operator changed its memory in place."""

    by: str


@dataclass
class Node:
    """A node of the graph, with its arguments by the names of ATen's schema.

    Whatever it has and its handler does not read is refused by `finish`: an argument that nobody
    knows may change what the node computes.

    Parameters
    ----------
    graph, node : JSON objects of the file.
    values : tensors and numbers computed so far, by name.
    """

    graph: dict[str, Any]
    node: dict[str, Any]
    values: dict[str, Any]
    arguments: dict[str, Any] = field(init=False)
    _read: set[str] = field(default_factory=set)

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

    def finish(self) -> None:
        """Check that all arguments were read.

        Raises
        ------
        Unsupported : one was not, and is neither None nor False.
        """
        for name in self.arguments:
            if name not in self._read:
                value = self.get(name)
                if value is not None and value is not False:
                    raise Unsupported(f"argument {name} = {_shown(value)} is not supported")

    def get(self, name: str, default: Any = None) -> Any:
        """A `Value`, an array, a number, a list of these, a string, or ``default``."""
        self._read.add(name)
        if name not in self.arguments:
            return default
        ((kind, value),) = self.arguments[name].items()
        if kind == "as_none":
            return default
        if kind == "as_tensor":
            return self._named(value["name"])
        if kind == "as_tensors":
            return [self._named(each["name"]) for each in value]
        if kind == "as_sym_int":
            return value.get("as_int", BATCH)
        if kind == "as_float":
            return float(value)
        if kind in ("as_int", "as_bool", "as_string", "as_ints", "as_floats", "as_bools"):
            return value
        if kind in ("as_scalar_type", "as_memory_format", "as_layout", "as_device"):
            return value
        if kind == "as_sym_ints":
            return [each.get("as_int", BATCH) for each in value]
        raise Unsupported(f"argument {text(name)} is of kind {text(kind)}")

    def _named(self, name: str) -> Any:
        if name not in self.values:
            raise CelosiaError(f"tensor {text(name)} is not computed before it")
        found = self.values[name]
        if isinstance(found, Stale):
            raise Unsupported(f"tensor {text(name)} was changed in place by {found.by}")
        return found

    def ignore(self, *names: str) -> None:
        """Arguments that do not matter here."""
        self._read.update(names)

    @property
    def first(self) -> str:
        """The name of the first argument, which schemas call "self" or "input"."""
        return next(iter(self.arguments), "self")

    def operand(self, name: str | None = None) -> Operand:
        """A `Value` or a constant array, by default of the first argument."""
        name = self.first if name is None else name
        found = self.get(name)
        if found is None or isinstance(found, str | list):
            raise CelosiaError(f"its argument {name!r} is not a tensor")
        # Numbers in the file are Python's, PyTorch computes with them in float32.
        if isinstance(found, float):
            return np.asarray(np.float32(found).astype(np.float64))
        return found if isinstance(found, Value) else np.asarray(found)

    @property
    def tensors(self) -> list[Value]:
        """The arguments that depend on the input."""
        read = set(self._read)
        found = [self.get(name) for name in self.arguments]
        self._read = read
        return [each for each in found if isinstance(each, Value)]

    def value(self, name: str | None = None) -> Value:
        """An argument that depends on the input."""
        name = self.first if name is None else name
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

    def integers(self, name: str, default: tuple[int, ...] = ()) -> list[int]:
        """A list of integers; a number counts as a list of one."""
        found = self.constant(name, list(default))
        found = found if isinstance(found, list) else [found]
        if not all(type(each) is int for each in found):
            raise CelosiaError(f"its argument {name!r} is {text(found)}, not integers")
        return found

    def sizes(self, index: int = 0) -> list[int]:
        """The shape of result ``index`` as the file has it, `BATCH` for what is open."""
        meta = self.graph["tensor_values"][self.outputs[index]]
        return [size.get("as_int", BATCH) for size in meta["sizes"]]

    @property
    def dtype(self) -> int:
        """The scalar type of the first result."""
        return self.graph["tensor_values"][self.outputs[0]]["dtype"]

    @property
    def outputs(self) -> list[str]:
        """The names of its results."""
        (kind, value), *_ = self.node["outputs"][0].items()
        if kind == "as_tensors":
            return [each["name"] for each in value]
        names = []
        for each in self.node["outputs"]:
            if "as_tensor" in each:
                names.append(each["as_tensor"]["name"])
            elif "as_sym_int" in each:
                names.append(each["as_sym_int"]["as_name"])
        return names


#: What an operator computes: a `Value`, or an array or number that does not depend on the input; or
#: a list of these.
Handler = Callable[[Node], Any]


def _shown(value: Any) -> str:
    return "a tensor" if isinstance(value, Value | np.ndarray) else text(value)
