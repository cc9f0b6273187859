"""Kernels' weights and parameters as records, and inputs and results as activation words."""

import numpy as np

from celosia.ops.pack import pack_parameters
from celosia.spec import WEIGHT, Config, Op, round_up

from .kernel import Kernel

__all__ = ["pack_weights", "parameters"]


def pack_weights(kernel: Kernel, config: Config) -> bytes:
    """Tile by tile, k by k, one byte a column; columns without a channel are 0. One word again
    and again where tiles share them (`Kernel.weight_stride`).

    CONVOLUTION: k counts the bytes of a tap, then taps. DEPTHWISE: a tile is one word of
    ``lanes`` channels, and k counts taps.
    """
    tiles, k = kernel.tiles(config), kernel.k()
    if kernel.weight_stride(config) < k:
        one = np.zeros((1, config.cols), WEIGHT.dtype)
        one[:, : config.lanes] = kernel.weights.flat[0]
        return one.repeat(kernel.weight_words(config), 0).tobytes()
    if kernel.op is Op.DEPTHWISE:
        out = np.zeros((tiles, k, config.cols), WEIGHT.dtype)
        out[..., : config.lanes] = kernel.weights.reshape(k, tiles, -1).transpose(1, 0, 2)
        return out.tobytes()
    padded = np.zeros((tiles * config.cols, k), WEIGHT.dtype)
    padded[: len(kernel.weights)] = kernel.weights.reshape(len(kernel.weights), k)
    return padded.reshape(tiles, config.cols, k).transpose(0, 2, 1).tobytes()


def parameters(kernel: Kernel, config: Config) -> bytes:
    """Parameter words of whole tiles; channels that do not exist are 0."""
    tile = config.lanes if kernel.op is Op.DEPTHWISE else config.cols
    packed = pack_parameters(kernel.bias, kernel.multiplier, kernel.shift, config)
    size = len(packed) // round_up(len(kernel.bias), config.cols)
    return packed[: size * round_up(len(kernel.bias), tile)]
