"""A node with its inputs, which remembers what was read of it."""

from typing import Any

import numpy as np

from celosia.importer.guard import text
from celosia.importer.operations.constants import Operand
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .proto import Node

__all__ = ["Call"]


class Call:
    """One call of an operator.

    Whatever a node has and its handler does not read is refused by `finish`: an attribute that
    nobody knows may change what the node computes.

    Parameters
    ----------
    node : of the file.
    arguments : its inputs: each one a tensor, a constant array, or None when it is left out.
    opset : the version of the operator set.
    """

    def __init__(self, node: Node, arguments: list[Any], opset: int):
        self.node, self.arguments, self.opset = node, arguments, opset
        self._attributes: set[str] = set()
        self._inputs: set[int] = set()

    @classmethod
    def of(cls, node: Node, values: dict[str, Any], opset: int) -> "Call":
        """``node`` on ``values``, the tensors and constants by name.

        Raises
        ------
        CelosiaError : an input is not among them.
        """
        for name in node.inputs:
            if name and name not in values:
                raise CelosiaError(f"input {text(name)!r} is not computed before it")
        return cls(node, [values[name] if name else None for name in node.inputs], opset)

    def finish(self) -> None:
        """Check that all of the node was read.

        Raises
        ------
        Unsupported : an attribute or an input was not.
        """
        for key, value in self.node.attributes.items():
            if key not in self._attributes:
                raise Unsupported(f"attribute {key} = {_shown(value)} is not supported")
        for index, found in enumerate(self.arguments):
            if found is not None and index not in self._inputs:
                raise Unsupported(f"its input {index} is not supported")

    def get(self, index: int = 0) -> Any:
        """Input ``index``, or None."""
        self._inputs.add(index)
        return self.arguments[index] if index < len(self.arguments) else None

    def operand(self, index: int = 0) -> Operand:
        found = self.get(index)
        if found is None:
            raise CelosiaError(f"its input {index} is missing")
        if isinstance(found, np.ndarray) and found.dtype.kind == "U":
            raise Unsupported(f"its input {index} is of words, not of numbers")
        return found

    @property
    def operands(self) -> list[Operand]:
        return [self.operand(index) for index in range(len(self.arguments))]

    def array(self, index: int) -> np.ndarray:
        """Input ``index``, a constant."""
        found = self.operand(index)
        if isinstance(found, Value):
            raise Unsupported(f"its input {index} depends on the model's input")
        return np.asarray(found)

    def optional(self, index: int) -> np.ndarray | None:
        """Input ``index``, a constant or left out."""
        return None if self.get(index) is None else self.array(index)

    def has(self, key: str) -> bool:
        return key in self.node.attributes

    def attribute(self, key: str, default: Any = None) -> Any:
        self._attributes.add(key)
        return self.node.attributes.get(key, default)

    def ignore(self, *keys: str) -> None:
        """Attributes that do not matter here."""
        self._attributes.update(keys)

    def number(self, key: str, default: float) -> float:
        value = self.attribute(key, default)
        if not isinstance(value, int | float):
            raise CelosiaError(f"{key} is {_shown(value)}, not a number")
        return value

    def integer(self, key: str, default: int) -> int:
        value = self.number(key, default)
        if value != int(value):
            raise CelosiaError(f"{key} is {value:g}, not an integer")
        return int(value)

    def integers(self, key: str) -> list[int]:
        """The list at ``key``; empty when it is left out."""
        value = self.attribute(key, [])
        if not isinstance(value, list) or not all(type(each) is int for each in value):
            raise CelosiaError(f"{key} is {_shown(value)}, not a list of integers")
        return value

    def word(self, key: str, default: str) -> str:
        value = self.attribute(key, default.encode())
        if not isinstance(value, bytes):
            raise CelosiaError(f"{key} is {_shown(value)}, not a word")
        return value.decode("utf-8", "replace")

    def axes(self, index: int = 1) -> list[int] | None:
        """Axes: since operator set 11 to 18 an input, before an attribute; None when left out."""
        given = self.optional(index)
        if given is not None:
            return [int(each) for each in np.ravel(given)]
        return self.integers("axes") if self.has("axes") else None


def _shown(value: Any) -> str:
    """An attribute, for messages; words are bytes in the file."""
    return text(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
