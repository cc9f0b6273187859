"""DENSE: every output is a sum over all inputs. `celosia.network.graph.Dense` is its layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from celosia.network.graph import Dense
from celosia.network.outline import AnyLayer, LayerOutline
from celosia.numerics.array import accumulate, operand
from celosia.spec import WEIGHT, Config, Op, ceil_div

from .fold import fold
from .operation import Fields, Operation, Source
from .pack import pack_parameters

__all__ = ["DENSE"]


class _Dense(Operation):
    """``acc[n] = sum over k of u[k] * w[k][n]``.

    A tile walks the input word by word, and its weights k by k. Tile t's weights start
    ``weight_stride`` words behind those of tile t - 1.
    """

    op = Op.DENSE

    def shape(self, layer: AnyLayer) -> str:
        return f"{layer.inputs:,} x {layer.outputs:,}"

    def input_words(self, layer: AnyLayer, config: Config) -> int:
        return config.words(layer.inputs)

    def result_words(self, layer: AnyLayer, config: Config) -> int:
        return config.tiles(layer.outputs) * config.words_per_tile

    def weight_words(self, layer: AnyLayer, config: Config) -> int:
        return config.tiles(layer.outputs) * layer.inputs

    def param_words(self, layer: AnyLayer, config: Config) -> int:
        return config.tiles(layer.outputs) * config.params_per_tile

    def describe(
        self, layer: AnyLayer, config: Config, sources: Sequence[Source], weights: int
    ) -> Fields:
        (source,) = sources
        words = config.words(layer.inputs)
        return {
            "tiles": config.tiles(layer.outputs),
            "from_input": int(source.from_input),
            "src": source.word,
            "src_words": words,
            "tail": layer.inputs - (words - 1) * config.lanes,
            "weights": weights,
            "weight_stride": layer.inputs,
        }

    def weights(self, layer: Dense, config: Config) -> bytes:
        """Tile by tile, k by k, one byte a column; channels that do not exist are 0."""
        n, k = layer.weights.shape
        padded = np.zeros((config.tiles(n) * config.cols, k), WEIGHT.dtype)
        padded[:n] = layer.weights
        return padded.reshape(-1, config.cols, k).transpose(0, 2, 1).tobytes()

    def parameters(self, layer: Dense, config: Config) -> bytes:
        return pack_parameters(fold(layer), layer.multiplier, layer.shift, config)

    def reads(self, d: Fields, config: Config, base: int) -> tuple[range, ...]:
        first = d["src"] + (base if d["from_input"] else 0)
        return (range(first, first + d["src_words"]),)

    def weights_read(self, d: Fields, config: Config) -> range:
        start = d["weights"]
        return range(start, start + (d["tiles"] - 1) * d["weight_stride"] + _inputs(d, config))

    def agrees(self, d: Fields, inputs: int, outputs: int, macs: int, config: Config) -> dict:
        return {
            "inputs": _inputs(d, config) == d["weight_stride"] == inputs,
            "outputs": d["tiles"] == config.tiles(outputs),
            "macs": macs == inputs * outputs,
        }

    def outline(self, d: Fields, **common: Any) -> LayerOutline:
        return LayerOutline(**common)

    def evaluate(self, layer: Dense, *inputs: np.ndarray) -> np.ndarray:
        return layer.evaluate(*inputs)

    def operand(self, d: Fields, memory: np.ndarray, config: Config) -> np.ndarray:
        """float [K, C], the columns of all tiles side by side (`celosia.numerics.array`)."""
        k = _inputs(d, config)
        starts = (d["weights"] + tile * d["weight_stride"] for tile in range(d["tiles"]))
        return operand(np.concatenate([memory[start : start + k] for start in starts], axis=1))

    def feed(self, d: Fields, act: np.ndarray, config: Config, base: int) -> np.ndarray:
        first = self.reads(d, config, base)[0].start * config.lanes
        return act[:, first : first + _inputs(d, config)]

    def compute(
        self,
        weights: np.ndarray,
        u: np.ndarray,
        postprocess: Callable[[np.ndarray], np.ndarray],
    ) -> np.ndarray:
        return postprocess(accumulate(u, weights))

    def real_sums(self, weights: np.ndarray, u: np.ndarray) -> np.ndarray:
        return u @ weights.astype(np.float64)

    def word_bytes(self, d: Fields, config: Config) -> tuple[int, ...]:
        return (config.lanes,) * (d["src_words"] - 1) + (d["tail"],)

    def word_bytes_needed(self, d: Fields, config: Config, u: np.ndarray, batch: int) -> np.ndarray:
        batches, words = ceil_div(len(u), batch), d["src_words"]
        nonzero = np.zeros((batches * batch, words * config.lanes), bool)
        nonzero[: len(u), : u.shape[1]] = u != 0
        by_batch = nonzero.reshape(batches, batch, words, config.lanes).any(axis=1)
        return by_batch.sum(axis=2)

    def issues(self, d: Fields, u: np.ndarray, skip: bool) -> tuple[int, int]:
        """A k is skipped when its byte is 0 in every image; every tile walks all k again, and has
        a last issue even if all of them are skipped."""
        k, tiles = u.shape[1], d["tiles"]
        needed = int(u.any(axis=0).sum()) if skip else k
        return tiles * max(needed, 1), tiles * (k - needed)


def _inputs(d: Fields, config: Config) -> int:
    """K, the bytes of the input: all words are full but the last, which has ``tail``."""
    return (d["src_words"] - 1) * config.lanes + d["tail"]


DENSE = _Dense()
