"""An operator of a float file with its operands."""

from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.constants import Operand
from celosia.importer.tflite.load import TfliteOperator
from celosia.importer.tflite.schema import Activation
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["Call"]

#: Fused activation -> function of `celosia.importer.operations.FUNCTIONS` and its parameters.
_FUSED: dict[Activation, tuple[Any, ...]] = {
    Activation.NONE: ("identity",),
    Activation.RELU: ("relu",),
    Activation.RELU_N1_TO_1: ("clip", -1.0, 1.0),
    Activation.RELU6: ("relu6",),
}


class Call:
    """One call of an operator.

    Parameters
    ----------
    op : of the file.
    arguments : its inputs: values, constants, or None for those left out.
    """

    def __init__(self, op: TfliteOperator, arguments: list[Operand | None]):
        self.op, self.arguments = op, arguments

    def option(self, name: str) -> Any:
        return self.op.option(name)

    def positive(self, name: str) -> int:
        """The option ``name``, a size or a step."""
        value = self.option(name)
        if value < 1:
            raise CelosiaError(f"option {name} = {value} is not possible")
        return value

    def count(self, name: str, wanted: int) -> None:
        """Check that the option ``name`` is ``wanted``, the number that there are."""
        if self.option(name) != wanted:
            raise CelosiaError(f"option {name} = {self.option(name)} is not {wanted}")

    def operand(self, index: int = 0) -> Operand:
        found = self.optional(index)
        if found is None:
            raise CelosiaError(f"its input {index} is missing")
        return found

    def optional(self, index: int) -> Operand | None:
        return self.arguments[index] if index < len(self.arguments) else None

    def value(self) -> Value:
        """The first input, which depends on the model's."""
        x = self.operand()
        if not isinstance(x, Value):
            raise Unsupported("its input does not depend on the model's")
        return x

    def array(self, index: int) -> np.ndarray:
        """Input ``index``, a constant."""
        found = self.operand(index)
        if isinstance(found, Value):
            raise Unsupported(f"its input {index} depends on the model's input")
        return np.asarray(found)

    def integers(self, index: int) -> list[int]:
        """Input ``index``, a constant list of integers."""
        found = self.array(index)
        if found.dtype.kind not in "iu":
            raise CelosiaError(f"its input {index} is {found.dtype}, not integers")
        return [int(each) for each in found.ravel()]

    def fused(self, result: Operand) -> Operand:
        """``result`` after the fused activation.

        Raises
        ------
        Unsupported : one that LiteRT's float kernels do not all compute.
        """
        number = self.option("fused_activation_function")
        if number not in _FUSED:
            names = {kind.value: kind.name for kind in Activation}
            raise Unsupported(
                f"fused activation {names.get(number, number)}",
                todo="make the activation an operator of its own",
            )
        name, *parameters = _FUSED[Activation(number)]
        return run.apply(result, name, *parameters)
