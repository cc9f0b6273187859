"""Run the engine, compare every tensor with a reference, and locate the first difference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celosia import driver
from celosia.compiler import compile
from celosia.network.graph import Graph
from celosia.network.network import Network
from celosia.spec import Config
from celosia.support.progress import Progress, silent

from .reference import Reference
from .runtimes import difference
from .tensors import TensorDiff
from .variants import differing, variants

__all__ = ["Comparison", "Fault", "compare", "run_engine"]


@dataclass(frozen=True)
class Fault:
    """The cause of the first difference: the layer of the first tensor that differs, alone.

    Parameters
    ----------
    tensor : its position in `Comparison.tensors`.
    engine : elements in which the engine differs from the graph's evaluation, on the engine's own
        input of the layer; None for a tensor that the host computed.
    as_is : elements in which the graph's evaluation, on the reference's inputs of the layer,
        differs from the reference; None when these are not known.
    variants : the same of the layer's `variants`, by their words.
    runtime : for people, what the reference's runtime does otherwise than the one whose bytes the
        network gives, when that alone explains the difference; else "".
    """

    tensor: int
    engine: int | None
    as_is: int | None
    variants: dict[str, int]
    runtime: str = ""

    @property
    def would_match(self) -> list[str]:
        """Variants of the layer that give the reference's bytes."""
        return [words for words, count in self.variants.items() if not count]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every tensor that both expose, in the order of computation.

    Parameters
    ----------
    reference : its name.
    tensors : the differences.
    alone : for each tensor, the elements in which the graph's evaluation of that layer, on the
        reference's input of it, differs from the reference: the error of that layer itself. None
        where that input is not known.
    fault : about the first tensor that differs; None when all are equal.
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
        """All of it for JSON."""
        first = None
        if self.fault is not None:
            name, would_match = self.tensors[self.fault.tensor].name, self.fault.would_match
            first = vars(self.fault) | {"tensor": name, "would_match": would_match}
        return {
            "reference": self.reference,
            "equal": self.equal,
            "bytes": self.bytes,
            "first": first,
            "tensors": [
                tensor.to_dict() | {"alone": alone}
                for tensor, alone in zip(self.tensors, self.alone, strict=True)
            ],
        }


def run_engine(
    graph: Graph,
    x: np.ndarray,
    config: Config,
    transport: str,
    progress: Progress = silent,
    rtl: str = "placed",
) -> list[np.ndarray]:
    """Every layer's results from an engine, each int8 [n, N]; ``x`` is int8 [n, K].

    ``transport`` and ``rtl`` are those of `celosia.driver.open`.

    Raises
    ------
    CelosiaError : as `celosia.compile`, `driver.open` and `Device.run_layers`.
    """
    image = compile(graph, config, emit_all=True)
    with driver.open(transport, config, progress, rtl=rtl) as device:
        device.load(image, progress)
        return device.run_layers(x, progress=progress)


def compare(
    network: Network,
    x: np.ndarray,
    layers: list[np.ndarray],
    reference: Reference,
    other: Network | None = None,
) -> Comparison:
    """The engine's tensors for ``x`` compared with the reference's.

    Parameters
    ----------
    network : what the engine ran.
    x : the model's input, as `Network.prepare` takes it.
    layers : every layer's results from the engine (`run_engine`).
    reference : the other tensors, for the same ``x``.
    other : the same model with the bytes of the reference's runtime, where ``network`` gives those
        of another one (`Network.reference`), to say why they differ.
    """
    graph, ours = network.graph, [network.prepare(x), *layers]
    names = ["input", *(layer.name for layer in graph.layers)]
    places = ["host", *["engine"] * len(layers)]
    tensors, alone, positions = [], [], []
    for index, (mine, theirs) in enumerate(zip(ours, reference.tensors, strict=True)):
        # Without a host step the graph's input is the same for both.
        if theirs is None or (index == 0 and not network.host.pre):
            continue
        shape = graph.shapes[index]
        tensors.append(TensorDiff.of(names[index], places[index], mine, theirs, shape))
        sources = _sources(graph, index, reference.tensors)
        layer = graph.layers[index - 1]
        alone.append(None if sources is None else differing(layer, sources, theirs))
        positions.append(index)
    shown = bool(tensors)
    for head, tensor, theirs in zip(network.heads, graph.outputs, reference.outputs, strict=True):
        if head.post or not shown:
            name = "output" if len(network.heads) == 1 else f"output {head.name}"
            result = head.finish(layers[tensor - 1]).reshape(len(x), -1)
            tensors.append(TensorDiff.of(name, "host", result, theirs))
            alone.append(None)
            positions.append(len(ours))
    first = next((i for i, tensor in enumerate(tensors) if tensor.differing), None)
    fault = None
    if first is not None:
        fault = _fault(network, ours, reference, first, positions[first], other)
    return Comparison(reference.name, tuple(tensors), tuple(alone), fault)


def _fault(
    network: Network,
    ours: list[np.ndarray],
    reference: Reference,
    tensor: int,
    index: int,
    other: Network | None,
) -> Fault:
    """The cause of the difference in tensor ``index`` of the graph, ``tensor`` of the result."""
    if not 0 < index < len(ours):
        return Fault(tensor, None, None, {})
    graph = network.graph
    layer, result = graph.layers[index - 1], reference.tensors[index]
    sources = _sources(graph, index, reference.tensors)
    as_is, others, runtime = None, {}, ""
    if sources is not None and result is not None:
        as_is = differing(layer, sources, result)
        others = {words: differing(each, sources, result) for words, each in variants(layer)}
        if other is not None and not differing(other.graph.layers[index - 1], sources, result):
            theirs = other.graph.layers[index - 1]
            if words := difference(layer, theirs, other.reference):
                runtime = f"made for {network.reference.label}: {words}"
    mine = [ours[source] for source in graph.reads[index - 1]]
    return Fault(tensor, differing(layer, mine, ours[index]), as_is, others, runtime)


def _sources(
    graph: Graph, index: int, tensors: Sequence[np.ndarray | None]
) -> list[np.ndarray] | None:
    """The inputs of the layer that makes tensor ``index``; None when one is not known."""
    if not index:
        return None
    sources = [tensors[source] for source in graph.reads[index - 1]]
    known = [source for source in sources if source is not None]
    return known if len(known) == len(sources) else None
