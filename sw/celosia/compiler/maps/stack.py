"""Several images in each row, one after the other: vectors as the pixels of a map.

Between two layers of one vector a row is idle until the last result of the first has arrived.
With other vectors behind it there is work in between.
"""

from dataclasses import replace

from celosia.network.graph import Graph
from celosia.network.layers import Convolution, Dense
from celosia.spec import Config

__all__ = ["may_stack", "most", "stack"]

#: Images on their way in one run, in all rows: enough to hide the boundaries between layers, and
#: few enough that the last run of a set, which may have fewer, costs little.
_IMAGES = 16


def most(config: Config) -> int:
    """Images of each row that one run takes at most, of a graph of dense layers."""
    return max(_IMAGES // config.rows, 1) if config.convolution else 1


def may_stack(graph: Graph) -> bool:
    """Whether all tensors are vectors."""
    return all(isinstance(layer, Dense) for layer in graph.layers)


def stack(graph: Graph, images: int) -> Graph:
    """``graph``, all of whose layers are `Dense`, for maps of ``images`` lines of one pixel.

    Line i of every tensor is the vector of image i: a dense layer is a convolution of 1 x 1 tap.
    """
    layers = [layer for layer in graph.layers if isinstance(layer, Dense)]
    return replace(graph, layers=tuple(_convolution(layer, images) for layer in layers))


def _convolution(layer: Dense, images: int) -> Convolution:
    n, k = layer.weights.shape
    return Convolution(
        name=layer.name,
        clamp=layer.clamp,
        table=layer.table,
        table_output=layer.table_output,
        weights=layer.weights.reshape(n, 1, 1, k),
        bias=layer.bias,
        input=layer.input,
        multiplier=layer.multiplier,
        shift=layer.shift,
        output=layer.output,
        input_shape=(images, 1, k),
        output_size=(images, 1),
        rounding=layer.rounding,
    )
