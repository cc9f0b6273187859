"""Cycles and words of a model on an engine with convolution, from its structure alone."""

from dataclasses import dataclass

from celosia.compiler.maps.choose import choose
from celosia.compiler.maps.lower import lower
from celosia.network.folding import fold_channels
from celosia.network.graph import Graph
from celosia.spec import Config, Memory, record

__all__ = ["MapEstimate", "MapNeeds", "estimate_maps"]


@dataclass(frozen=True)
class MapNeeds:
    """What a layer takes: words of each memory, of activations in each row, and cycles of a run."""

    weights: int
    params: int
    activations: int
    cycles: float


@dataclass(frozen=True)
class MapEstimate:
    """Of runs in which no zero is skipped, boundaries between layers not counted.

    Parameters
    ----------
    images : computed together: 1 where all rows share one.
    input_cycles : link words of a run's input.
    layers : of each layer of the graph.
    """

    images: int
    input_cycles: int
    layers: tuple[MapNeeds, ...]

    @property
    def cycles(self) -> float:
        """Of a run: steps times tiles times the longer of k and drain, for all layers; or loading
        its input, if that takes longer."""
        return max(sum(layer.cycles for layer in self.layers), self.input_cycles)

    @property
    def latency(self) -> int:
        """Of one image alone, from its first input word to its last result."""
        return round(self.input_cycles + sum(layer.cycles for layer in self.layers))


def estimate_maps(graph: Graph, config: Config) -> MapEstimate:
    """Of ``graph`` on an engine of this shape; its memories are taken to be deep enough."""
    program = lower(fold_channels(graph).graph, config)
    plan = choose(program, config, "throughput")
    assert plan is not None  # the check of its size came before
    layers = {layer.name: MapNeeds(0, 0, 0, 0) for layer in graph.layers}
    for kernel in program.kernels:
        spent, place = layers[kernel.name], plan.ranges[kernel.result]
        layers[kernel.name] = MapNeeds(
            spent.weights + kernel.weight_words(config),
            spent.params + kernel.param_words(config),
            spent.activations + (0 if place is None else place.length),
            spent.cycles + kernel.cycles(config, plan.images),
        )
    images = config.rows if plan.images else 1
    words = program.maps[0].size(config) * images
    return MapEstimate(
        images,
        words * record(config, Memory.ACTIVATIONS).words,
        tuple(layers.values()),
    )
