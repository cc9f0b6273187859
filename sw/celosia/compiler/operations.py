"""Which operations of an engine a model needs that it lacks."""

from dataclasses import replace

from celosia.network.graph import Dense, Graph
from celosia.spec import Config
from celosia.support.errors import Unsupported

from .maps.lower import lower

__all__ = ["lacking"]


def lacking(graph: Graph, config: Config) -> dict[str, int]:
    """The parameters of `Config` to change for an engine that has them all; {} if it has.

    Raises
    ------
    Unsupported : no engine computes a layer; it is named.
    ValueError : an engine of this shape cannot have them.
    """
    if not config.convolution:
        # A vector that is read twice, or results of several layers, are for maps too.
        if graph.is_chain and all(isinstance(layer, Dense) for layer in graph.layers):
            return {}
        return {"convolution": 1} | lacking(graph, replace(config, convolution=1))
    if config.depthwise:
        return {}
    try:
        lower(graph, config)
    except Unsupported:
        lower(graph, replace(config, depthwise=1))
        return {"depthwise": 1}
    return {}
