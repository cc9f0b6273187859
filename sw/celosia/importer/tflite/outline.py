"""The structure of a .tflite file, with a verdict on every operator; weights are not read."""

from collections.abc import Iterator
from math import prod
from typing import cast

from celosia.network.graph import chain
from celosia.network.layers import MaxPool
from celosia.network.outline import Operation, Outline, Place
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError, Unsupported

from .builder import Builder
from .dense import outline
from .flatbuffer import Bytes
from .load import TfliteModel, TfliteOperator, load
from .operands import map_shape
from .to_graph import one_image, results

__all__ = ["tflite_outline"]


def tflite_outline(
    data: Bytes, name: str = "model", reference: Runtime = Runtime.LITERT
) -> Outline:
    """Where each operator of the file would run, or why `tflite_network` would refuse it.

    The importer's own `Builder` decides, so both always agree about an operator. Refusals that
    depend on the values of a FULLY_CONNECTED's weights are left to the importer.

    Parameters
    ----------
    data : the file, or a memory map of it.
    reference : whose bytes it shall give.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    """
    model = load(data)
    operations = list(_ends(model))
    if not model.inputs or not model.outputs:
        return Outline(name, "TFLite", tuple(operations), ())
    judge = _Judge(model, reference)
    operations += [judge.operation(op) for op in model.operators]
    if not any(each.place is Place.UNSUPPORTED for each in operations):
        try:
            judge.outputs = tuple(
                cast(int, each.number) for _, each in results(judge.builder, model)
            )
        except Unsupported as error:
            why = Operation("the model's outputs", "OUTPUTS", Place.UNSUPPORTED, error.what)
            operations.append(why)
    if not operations:
        raise CelosiaError("the model has no operator")
    floats = any(
        t is not None and t.dtype == "float32" and t.data is not None and len(t.shape) > 1
        for op in model.operators
        for t in op.inputs
    )
    kind = "float TFLite" if floats else "int8 TFLite"
    if reference != Runtime.LITERT:
        kind = f"{kind} with the bytes of {reference.label}"
    return judge.outline(name, kind, operations)


class _Judge:
    """A graph that continues after an operator that is not supported.

    Attributes
    ----------
    unknown : positions in the builder's layers of those that replace such operators.
    outputs : the tensors that are results; None where one is not supported.
    """

    def __init__(self, model: TfliteModel, reference: Runtime):
        self.builder = Builder(
            model, lambda op, name, shape: (outline(op, name, shape), 0), reference
        )
        self.unknown: set[int] = set()
        self.outputs: tuple[int, ...] | None = None

    def outline(self, name: str, kind: str, operations: list[Operation]) -> Outline:
        """The layers of the supported operators."""
        layers = self.builder.layers
        known = tuple(each for index, each in enumerate(layers) if index not in self.unknown)
        reads = tuple(self.builder.reads)
        # Without all layers the numbers of tensors mean nothing.
        branches = None if self.unknown or reads == chain(layers) else reads
        return Outline(
            name, kind, tuple(operations), known, branches=branches, outputs=self.outputs
        )

    def operation(self, op: TfliteOperator) -> Operation:
        """Append ``op`` to the graph; where it runs, and how, or why not."""
        builder = self.builder
        before = list(builder.layers)
        try:
            builder.add(op)
            if problem := builder.unread(op):
                raise Unsupported(problem, todo="remove it from the model")
        except Unsupported as error:
            self._replace(op)
            why = f"{error.what}; {error.todo}" if error.todo else error.what
            return Operation(str(op), op.code, Place.UNSUPPORTED, why)
        if op.target.index in builder.constants:
            return Operation(str(op), op.code, Place.DROPPED, "computes a shape, known already")
        value = builder.values[op.target.index]
        if len(builder.layers) > len(before):
            return Operation(str(op), op.code, Place.ENGINE, f"layer {builder.layers[-1].name!r}")
        for layer, last in zip(builder.layers, before, strict=False):
            if layer is not last:
                clamp_only = layer.table is last.table
                how = "within its layer's clamp" if clamp_only else "element table of its layer"
                return Operation(str(op), op.code, Place.ENGINE, how)
        if value.steps != builder.values[op.source.index].steps:
            when = "before the first layer" if value.number is None else "after the last layer"
            return Operation(str(op), op.code, Place.HOST, when)
        return Operation(str(op), op.code, Place.DROPPED, "moves no data")

    def _replace(self, op: TfliteOperator) -> None:
        """Append a placeholder for ``op``, so that the operators after it are judged alone."""
        for tensor in op.outputs:
            if tensor.index in self.builder.values or tensor.index in self.builder.constants:
                continue
            try:
                shape = map_shape(tensor, str(op))
            except Unsupported:
                shape = (1, 1, max(prod(tensor.shape), 1))
            self.unknown.add(len(self.builder.layers))
            name, quant = f"{op}, {tensor}", Quant(1.0, 0)
            placeholder = MaxPool(name, quant, quant, shape, (1, 1), (1, 1), shape[:2])
            self.builder.values[tensor.index] = self.builder.append(op, placeholder, (0,))


def _ends(model: TfliteModel) -> Iterator[Operation]:
    """What is not supported about the model's inputs and outputs."""
    for what, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        if not tensors or (what == "inputs" and len(tensors) != 1):
            yield Operation(
                f"the model's {what}",
                what.upper(),
                Place.UNSUPPORTED,
                f"the model has {len(tensors)} {what}, not 1",
            )
            continue
        for tensor in tensors:
            try:
                one_image(tensor)
            except Unsupported as error:
                why = f"{error.what}; {error.todo}"
                yield Operation(f"the model's {what}", what.upper(), Place.UNSUPPORTED, why)
