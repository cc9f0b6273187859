"""Run the engine, compare every tensor with a reference, and find whose fault the first one is."""

from dataclasses import dataclass, replace

import numpy as np

from celosia import driver
from celosia.compiler import compile
from celosia.model.reference import evaluate
from celosia.network.graph import Graph, Layer
from celosia.network.network import Network
from celosia.spec import Config, Rounding
from celosia.support.progress import Progress, silent

from .reference import Reference
from .tensors import TensorDiff

__all__ = ["Comparison", "Fault", "compare", "run_engine"]


@dataclass(frozen=True)
class Fault:
    """The first tensor that differs, looked at alone.

    Parameters
    ----------
    tensor : its position in `Comparison.tensors`.
    engine : elements in which the engine departs from the golden model on the engine's own input
        of that layer; None for a tensor that the host computed.
    rounding : elements in which the golden model of that layer, given the reference's own input,
        departs from the reference, by rounding mode; {} when that input is not known.
    used : the rounding mode that the layer has.
    """

    tensor: int
    engine: int | None
    rounding: dict[str, int]
    used: str

    @property
    def would_match(self) -> list[str]:
        """Rounding modes that would give the reference's bytes."""
        return [mode for mode, differing in self.rounding.items() if not differing]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every tensor that both show, in the order of computation.

    ``alone`` are, tensor by tensor, the elements in which the golden model of that layer departs
    from the reference when given the reference's own input: what goes wrong in that layer itself.
    None where that cannot be told.
    """

    reference: str
    tensors: tuple[TensorDiff, ...]
    alone: tuple[int | None, ...]
    fault: Fault | None

    @property
    def equal(self) -> bool:
        return self.fault is None

    @property
    def bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.tensors)

    def to_dict(self) -> dict:
        """Everything, ready for JSON."""
        fault = self.fault
        return {
            "reference": self.reference,
            "equal": self.equal,
            "bytes": self.bytes,
            "first": fault
            and vars(fault)
            | {
                "tensor": self.tensors[fault.tensor].name,
                "would_match": fault.would_match,
            },
            "tensors": [
                tensor.to_dict() | {"alone": alone}
                for tensor, alone in zip(self.tensors, self.alone, strict=True)
            ],
        }


def run_engine(
    graph: Graph, x: np.ndarray, config: Config, transport: str, progress: Progress = silent
) -> list[np.ndarray]:
    """Every layer's results from an engine, int8 [n, N] each; ``x`` is int8 [n, K]."""
    image = compile(graph, config, emit_all=True)
    with driver.open(transport, config, progress) as device:
        device.load(image, progress)
        return device.run_layers(x, progress=progress)


def compare(
    network: Network, x: np.ndarray, layers: list[np.ndarray], reference: Reference
) -> Comparison:
    """What the engine gave for ``x``, beside what the reference gave.

    Parameters
    ----------
    network : what the engine ran.
    x : the model's input, as `Network.prepare` takes it.
    layers : every layer's results (`run_engine`).
    """
    graph, ours = network.graph, [network.prepare(x), *layers]
    names = ["input", *(layer.name for layer in graph.layers)]
    places = ["host", *["engine"] * len(layers)]
    tensors, alone, positions = [], [], []
    for index, (mine, theirs) in enumerate(zip(ours, reference.tensors, strict=True)):
        # Without a host step the graph's input is what both were given.
        if theirs is None or (index == 0 and not network.host.pre):
            continue
        tensors.append(TensorDiff.of(names[index], places[index], mine, theirs))
        source = reference.tensors[index - 1] if index else None
        layer = graph.layers[index - 1]
        alone.append(None if source is None else _departs(layer, source, theirs))
        positions.append(index)
    if network.host.post or not tensors:
        result = network.finish(layers[-1]).reshape(len(x), -1)
        tensors.append(TensorDiff.of("output", "host", result, reference.output))
        alone.append(None)
        positions.append(len(ours))
    first = next((i for i, tensor in enumerate(tensors) if tensor.differing), None)
    fault = None
    if first is not None:
        fault = _fault(network, ours, reference, first, positions[first])
    return Comparison(reference.name, tuple(tensors), tuple(alone), fault)


def _fault(
    network: Network, ours: list[np.ndarray], reference: Reference, tensor: int, index: int
) -> Fault:
    if not 0 < index < len(ours):
        return Fault(tensor, None, {}, "")
    layer, source = network.graph.layers[index - 1], reference.tensors[index - 1]
    rounding = {}
    if source is not None:
        rounding = {
            mode.name.lower(): _departs(
                replace(layer, rounding=mode), source, reference.tensors[index]
            )
            for mode in Rounding
        }
    engine = _departs(layer, ours[index - 1], ours[index])
    return Fault(tensor, engine, rounding, layer.rounding.name.lower())


def _departs(layer: Layer, source: np.ndarray, result: np.ndarray) -> int:
    """Elements in which the golden model of ``layer`` gives something else."""
    (y,) = evaluate(Graph(layer.name, (layer,)), source)
    return int((y != result).sum())
