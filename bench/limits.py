"""Cycles below which no engine of this shape can go."""

from celosia.network.graph import Graph
from celosia.spec import Config, ceil_div

__all__ = ["cycles_per_image"]


def cycles_per_image(graph: Graph, config: Config) -> float:
    """Every multiplier busy in every cycle, but for the columns that the last tile leaves idle."""
    steps = sum(ceil_div(layer.outputs, config.cols) * layer.inputs for layer in graph.layers)
    return steps / config.rows
