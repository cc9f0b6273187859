"""Cycles below which no engine of this shape can go."""

from celosia.network.graph import Graph
from celosia.spec import Config

__all__ = ["cycles_per_image"]


def cycles_per_image(graph: Graph, config: Config) -> float:
    """Every multiplier busy in every cycle, but for the columns that the last tile leaves idle."""
    steps = sum(config.tiles(layer.outputs) * layer.inputs for layer in graph.layers)
    return steps / config.rows
