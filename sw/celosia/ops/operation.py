"""What there is to know of an operation of the engine: one record that all others ask."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from celosia.network.graph import Dense
from celosia.network.outline import AnyLayer, LayerOutline
from celosia.spec import Config, Op

__all__ = ["Fields", "Operation", "Source"]

#: An unpacked descriptor, or some of its fields.
Fields = dict[str, int]


@dataclass(frozen=True)
class Source:
    """Where a tensor that a layer reads lies in activation memory.

    ``word`` is its first word, counted from the run's input bank if ``from_input``, else from 0.
    """

    word: int
    from_input: bool


class Operation(ABC):
    """One operation of the engine; there is one object of each kind.

    A *layer* is one of a graph or its outline; an *outline* has no weights. ``d`` is an unpacked
    legal descriptor of this operation.
    """

    op: Op

    # What a layer takes.

    @abstractmethod
    def shape(self, layer: AnyLayer) -> str:
        """Its size for people, such as "784 x 128"."""

    @abstractmethod
    def input_words(self, layer: AnyLayer, config: Config) -> int:
        """Activation words of the layer's input if the host sends it."""

    @abstractmethod
    def result_words(self, layer: AnyLayer, config: Config) -> int:
        """Activation words that its results fill."""

    @abstractmethod
    def weight_words(self, layer: AnyLayer, config: Config) -> int:
        """Records of weights."""

    @abstractmethod
    def param_words(self, layer: AnyLayer, config: Config) -> int:
        """Records of parameters."""

    # The program of a layer.

    @abstractmethod
    def describe(
        self, layer: AnyLayer, config: Config, sources: Sequence[Source], weights: int
    ) -> Fields:
        """Its part of the descriptor, and ``tiles``.

        Parameters
        ----------
        sources : the tensors that it reads, in the graph's order.
        weights : its first record of weights.
        """

    @abstractmethod
    def weights(self, layer: Dense, config: Config) -> bytes:
        """Its `weight_words` records of weights."""

    @abstractmethod
    def parameters(self, layer: Dense, config: Config) -> bytes:
        """Its `param_words` records of parameters, zero points folded into the biases.

        Raises
        ------
        CelosiaError : naming layer and channel: a folded bias does not fit, or a sum could
            overflow the accumulator.
        """

    # What a descriptor asks for.

    @abstractmethod
    def reads(self, d: Fields, config: Config, base: int) -> tuple[range, ...]:
        """The activation words of each tensor that it reads; input banks start at word ``base``."""

    def writes(self, d: Fields, config: Config) -> range:
        """The activation words that its results are written to."""
        words = d["tiles"] * config.words_per_tile
        return range(d["dst"], d["dst"] + words) if d["store"] else range(0)

    @abstractmethod
    def weights_read(self, d: Fields, config: Config) -> range:
        """From the first to the last record of weights that it reads."""

    @abstractmethod
    def agrees(self, d: Fields, inputs: int, outputs: int, macs: int, config: Config) -> dict:
        """Whether its part of ``d`` is that of a layer of such a size: a bool by what is judged."""

    @abstractmethod
    def outline(self, d: Fields, **common: Any) -> LayerOutline:
        """The outline of the layer; ``common`` are what all outlines have, its size included."""

    # What it computes.

    @abstractmethod
    def evaluate(self, layer: Dense, *inputs: np.ndarray) -> np.ndarray:
        """int8 [images, N] results of int8 [images, K] inputs, straight from the definition."""

    @abstractmethod
    def operand(self, d: Fields, memory: np.ndarray, config: Config) -> np.ndarray:
        """What `compute` needs of the weight memory, int8 [words, cols], in a form of its own."""

    @abstractmethod
    def feed(self, d: Fields, act: np.ndarray, config: Config, base: int) -> np.ndarray:
        """uint8 [images, K]: what the feeder takes of activation memory, uint8 [images, bytes]."""

    @abstractmethod
    def compute(
        self,
        weights: np.ndarray,
        u: np.ndarray,
        postprocess: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """uint8 [images, C], the golden model of a layer, all C channels of its tiles.

        Parameters
        ----------
        weights : `operand`. u : `feed`.
        postprocess : from int32 [images, C] sums to uint8: requantization, clamp and table.
        """

    @abstractmethod
    def real_sums(self, weights: np.ndarray, u: np.ndarray) -> np.ndarray:
        """float64 [images, C], the sums for float ``u`` [images, K] of any value."""

    # What it takes of the engine's time.

    @abstractmethod
    def word_bytes(self, d: Fields, config: Config) -> tuple[int, ...]:
        """Bytes that count in each word of a tile's walk, in its order."""

    @abstractmethod
    def word_bytes_needed(self, d: Fields, config: Config, u: np.ndarray, batch: int) -> np.ndarray:
        """int [batches, words]: as `word_bytes`, without those that are 0 in all of ``batch``
        images computed together; ``u`` is uint8 [images, K] (`feed`)."""

    @abstractmethod
    def issues(self, d: Fields, u: np.ndarray, skip: bool) -> tuple[int, int]:
        """k issued and skipped for the images ``u`` in flight together; ``skip`` zero bytes."""
