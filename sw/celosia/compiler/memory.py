"""Where activations live: two input banks at the bottom, layer results above them."""

from collections.abc import Sequence
from dataclasses import dataclass

from celosia.network.graph import Graph
from celosia.network.outline import Outline
from celosia.ops import OPERATIONS, Source
from celosia.spec import Config

__all__ = ["Activations", "Tensor", "allocate", "plan"]


@dataclass(frozen=True)
class Tensor:
    """``words`` that are in use from step ``first`` to step ``last``, both included."""

    words: int
    first: int
    last: int


@dataclass(frozen=True)
class Activations:
    """Activation words of a graph's tensors.

    Parameters
    ----------
    words : first word of each tensor. That of tensor 0, the input, counts from the run's input
        bank. None for results that no layer reads: they are emitted only.
    depth : words needed in all.
    """

    words: tuple[int | None, ...]
    depth: int

    def source(self, tensor: int) -> Source:
        """What a layer that reads ``tensor`` is told."""
        word = self.words[tensor]
        assert word is not None  # a layer reads it
        return Source(word, from_input=tensor == 0)


def allocate(graph: Graph | Outline, config: Config) -> Activations:
    """Place the input and every layer's results.

    While one input bank is computed on, the link fills the other, so no layer writes to either.
    """
    first = graph.layers[0]
    bottom = 2 * OPERATIONS[first.op].input_words(first, config)
    last_use = {tensor: layer for layer, reads in enumerate(graph.reads) for tensor in reads}
    stored = [tensor for tensor in range(1, len(graph.layers) + 1) if tensor in last_use]
    tensors = []
    for tensor in stored:
        layer = graph.layers[tensor - 1]
        words = OPERATIONS[layer.op].result_words(layer, config)
        tensors.append(Tensor(words, tensor - 1, last_use[tensor]))
    places, depth = plan(tensors)
    first_words = {0: 0} | {t: bottom + place for t, place in zip(stored, places, strict=True)}
    return Activations(tuple(map(first_words.get, range(len(graph.layers) + 1))), bottom + depth)


def plan(tensors: Sequence[Tensor]) -> tuple[list[int], int]:
    """The first word of each tensor, and the words needed in all.

    Tensors in use in the same step do not overlap. In the order of their first steps they go
    alternately to the lowest and to the highest place that is free below the largest sum of
    tensors in use at once; one that finds none goes on top. In a chain results ping-pong from both
    ends and need no more than that sum, below which nothing can go.
    """
    order = sorted(range(len(tensors)), key=lambda index: tensors[index].first)
    alive: list[int] = []
    depth = 0
    for index in order:
        alive = [*_alive(tensors, alive, index), index]
        depth = max(depth, sum(tensors[each].words for each in alive))
    places, alive = [0] * len(tensors), []
    for turn, index in enumerate(order):
        alive = _alive(tensors, alive, index)
        taken = [(places[each], places[each] + tensors[each].words) for each in alive]
        words = tensors[index].words
        places[index] = _place(words, taken, depth, highest=turn % 2 == 1)
        depth = max(depth, places[index] + words)
        alive.append(index)
    return places, depth


def _alive(tensors: Sequence[Tensor], alive: list[int], index: int) -> list[int]:
    """Those of ``alive`` that are still in use when tensor ``index`` begins to be."""
    return [each for each in alive if tensors[each].last >= tensors[index].first]


def _place(words: int, taken: list[tuple[int, int]], depth: int, highest: bool) -> int:
    """The lowest or highest place for ``words`` beside what is ``taken``."""
    at, gaps = 0, []
    for start, end in sorted(taken):
        if start - at >= words:
            gaps.append((at, start))
        at = max(at, end)
    if depth - at >= words or not gaps:
        gaps.append((at, max(depth, at + words)))
    return gaps[-1][1] - words if highest else gaps[0][0]
