"""Lower limits of cycles."""

from celosia.network.graph import Graph
from celosia.spec import Config

__all__ = ["cycles_per_image"]


def cycles_per_image(graph: Graph, config: Config) -> float:
    """Cycles per image with every multiplier busy, except columns that a last tile leaves idle.

    ``sum(ceil(outputs / cols) * inputs) / rows`` over the layers.
    """
    steps = sum(config.tiles(layer.outputs) * layer.inputs for layer in graph.layers)
    return steps / config.rows
