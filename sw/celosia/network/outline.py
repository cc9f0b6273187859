"""The structure of a model without its numbers: what `celosia check` judges."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import Config, Op

from .folding import fold_channels
from .graph import Dense, Graph, Layer, Reads, chain
from .layers import Shape

__all__ = ["AnyLayer", "LayerOutline", "Operation", "Outline", "Place", "placeholder_table"]


class Place(Enum):
    """Where an operation is computed."""

    ENGINE = "engine"
    HOST = "host"
    DROPPED = "dropped"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Operation:
    """One operation of a model file.

    Parameters
    ----------
    name : as the file calls it, to find it again.
    kind : what it computes, such as "FULLY_CONNECTED".
    place : where.
    why : how, or for an unsupported operation why not.
    """

    name: str
    kind: str
    place: Place
    why: str

    @classmethod
    def of(cls, layer: "LayerOutline | Layer") -> "Operation":
        """A layer of a file that has no other operations."""
        how = "a layer" if layer.table is None else "a layer and an element table"
        return cls(layer.name, layer.kind, Place.ENGINE, how)


@dataclass(frozen=True, eq=False)
class LayerOutline:
    """A `Dense` without weights; quantization is None where calibration has yet to find it.

    ``table`` is None or an int8 [256]; equal tables are stored once. ``input_shape`` is that of a
    vector by default. A layer is an outline too.
    """

    op: ClassVar[Op] = Op.DENSE
    kind: ClassVar[str] = "Dense"

    name: str
    inputs: int
    outputs: int
    input: Quant | None = None
    output: Quant | None = None
    clamp: tuple[int, int] = (-128, 127)
    table: np.ndarray | None = None
    table_output: Quant | None = None
    input_shape: Shape = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.input_shape is None:
            object.__setattr__(self, "input_shape", (1, 1, self.inputs))

    @property
    def output_shape(self) -> Shape:
        return (1, 1, self.outputs)

    @property
    def macs(self) -> int:
        return self.inputs * self.outputs


#: A layer of a graph, or its outline.
AnyLayer = LayerOutline | Layer


@dataclass(frozen=True, eq=False)
class Outline:
    """A whole model.

    Parameters
    ----------
    name, kind : of the model and of its file, such as "int8 TFLite".
    operations : every operation of the file, in its order.
    layers : what the engine would run; of a model with unsupported operations those that it could.
    config : the engine that the file was compiled for, if it was.
    branches : the tensors that each layer reads; None for a chain.
    outputs : the tensors that are results; None for the last one.
    """

    name: str
    kind: str
    operations: tuple[Operation, ...]
    layers: tuple[AnyLayer, ...]
    config: Config | None = None
    branches: Reads | None = None
    outputs: tuple[int, ...] | None = None

    @property
    def unsupported(self) -> list[Operation]:
        return [op for op in self.operations if op.place is Place.UNSUPPORTED]

    @property
    def reads(self) -> Reads:
        """The tensors that each layer reads (`celosia.network.graph.Graph`)."""
        return chain(self.layers) if self.branches is None else self.branches

    @cached_property
    def graph(self) -> Graph:
        """A graph of the same structure; dense layers whose weights are not known have weights of
        1."""
        layers = tuple(map(_whole, self.layers))
        return Graph(self.name, layers, self.reads, self.outputs)  # type: ignore[arg-type]

    @cached_property
    def folded(self) -> Graph:
        """`graph` without the channels that no input can change; with all where weights are not
        known."""
        if all(isinstance(layer, LayerOutline) for layer in self.layers):
            return self.graph
        return fold_channels(self.graph).graph

    @property
    def macs(self) -> int:
        """Multiplications of one inference, zeros included."""
        return sum(layer.macs for layer in self.layers)

    @classmethod
    def of(cls, graph: Graph, kind: str) -> "Outline":
        """A quantized graph, whose operations are its layers."""
        operations = tuple(map(Operation.of, graph.layers))
        branches = None if graph.reads == chain(graph.layers) else graph.reads
        return cls(
            graph.name,
            kind,
            operations,
            graph.layers,
            branches=branches,
            outputs=graph.outputs,
        )


def _whole(layer: AnyLayer) -> Layer:
    """``layer`` itself, or a layer with weights of 1 for an outline."""
    if isinstance(layer, Layer):
        return layer
    n = layer.outputs
    # Quantizations that calibration has yet to find.
    unknown = Quant(1.0, 0)
    return Dense(
        layer.name,
        np.broadcast_to(np.int8(1), (n, layer.inputs)),
        np.zeros(n, np.int32),
        layer.input or unknown,
        np.full(n, 1 << 30),
        np.zeros(n, np.int64),
        layer.output or unknown,
        input_shape=layer.input_shape,
        clamp=layer.clamp,
        table=layer.table,
        table_output=layer.table_output or (unknown if layer.table is not None else None),
    )


def placeholder_table(index: int) -> np.ndarray:
    """Stands for a table that calibration has yet to make: another one for each of 256 indices.

    It has all values, so that no result is taken for a constant.
    """
    return np.roll(np.arange(-128, 128, dtype=np.int8), index)
