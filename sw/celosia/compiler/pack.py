"""Layers as the records of the engine's memories."""

import numpy as np

from celosia.network.graph import Dense
from celosia.spec import OFFSET, PARAMETER, WEIGHT, Config, Op, ceil_div, pack_descriptor

from .memory import words_in

__all__ = ["descriptor", "parameters", "table", "tiles", "weights"]


def tiles(outputs: int, config: Config) -> int:
    """Tiles of ``cols`` channels that hold ``outputs``."""
    return ceil_div(outputs, config.cols)


def weights(layer: Dense, config: Config) -> bytes:
    """Weight words: tile by tile, k by k, one byte a column; channels that do not exist are 0."""
    n, k = layer.weights.shape
    padded = np.zeros((tiles(n, config) * config.cols, k), WEIGHT.dtype)
    padded[:n] = layer.weights
    return padded.reshape(-1, config.cols, k).transpose(0, 2, 1).tobytes()


def parameters(layer: Dense, bias: np.ndarray, config: Config) -> bytes:
    """Parameter words of ``requantizers`` channels; channels that do not exist are 0.

    ``bias`` is the folded one, int64 [N] (`overflow.fold`).
    """
    channels = zip(bias, layer.multiplier, layer.shift, strict=True)
    data = b"".join(PARAMETER.pack(bias=b, multiplier=m, shift=s) for b, m, s in channels)
    return data.ljust(tiles(layer.outputs, config) * config.cols * PARAMETER.size, b"\0")


def table(layer: Dense) -> bytes | None:
    """The layer's element table in offset binary on both sides, 256 bytes."""
    if layer.table is None:
        return None
    return (layer.table.astype(np.int64) + OFFSET).astype(np.uint8).tobytes()


def descriptor(layer: Dense, config: Config, **addresses: int) -> bytes:
    """The layer's descriptor; ``addresses`` are the fields that depend on its neighbours."""
    lo, hi = layer.clamp
    words = words_in(layer.inputs, config)
    return pack_descriptor(
        op=Op.DENSE,
        rounding=layer.rounding,
        zero_point=layer.output.zero_point + OFFSET,
        clamp_min=lo + OFFSET,
        clamp_max=hi + OFFSET,
        src_words=words,
        tail=layer.inputs - (words - 1) * config.lanes,
        tiles=tiles(layer.outputs, config),
        weight_stride=layer.inputs,
        **addresses,
    )
