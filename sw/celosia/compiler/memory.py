"""Where activations live: two input banks at the bottom, layer results above them."""

from dataclasses import dataclass

from celosia.network.graph import Graph
from celosia.spec import Config, ceil_div

__all__ = ["Activations", "allocate", "words_in", "words_out"]


@dataclass(frozen=True)
class Activations:
    """Activation words by layer; `dst[-1]` is None, for the last layer's results are emitted."""

    #: First word of each layer's input; the first layer's counts from the input bank.
    src: tuple[int, ...]
    #: First word of each layer's results.
    dst: tuple[int | None, ...]
    #: Words needed in all.
    depth: int


def words_in(inputs: int, config: Config) -> int:
    """Activation words that hold ``inputs`` bytes."""
    return ceil_div(inputs, config.lanes)


def words_out(outputs: int, config: Config) -> int:
    """Activation words that whole tiles of ``outputs`` channels fill."""
    return ceil_div(outputs, config.cols) * config.words_per_tile


def allocate(graph: Graph, config: Config) -> Activations:
    """Place every layer's results.

    While one input bank is computed on, the link fills the other, so no layer writes to either.
    Results ping-pong from both ends of what lies above: even layers at its bottom, odd layers at
    its top. Its size is the largest sum of two neighbours, which a chain cannot go below.
    """
    sizes = [words_out(layer.outputs, config) for layer in graph.layers[:-1]]
    bottom = 2 * words_in(graph.layers[0].inputs, config)
    depth = bottom + max((sum(sizes[i : i + 2]) for i in range(len(sizes))), default=0)
    places = [depth - size if index % 2 else bottom for index, size in enumerate(sizes)]
    return Activations((0, *places), (*places, None), depth)
