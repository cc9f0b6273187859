"""How much of each layer's signal int8 loses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celosia.compiler.image import Image
from celosia.model.program import Layer, decode
from celosia.model.run import load
from celosia.numerics.offset_binary import to_offset
from celosia.ops import OPERATIONS
from celosia.spec import OFFSET

__all__ = ["LayerPrecision", "layer_results", "precision"]


@dataclass(frozen=True)
class LayerPrecision:
    """Signal to quantization noise of one layer's results, in decibels; None: no noise, or no
    signal to compare it with.

    Parameters
    ----------
    so_far : against the float network, with the noise of all layers before.
    alone : against this layer in float on its int8 input, which leaves its own rounding.
    saturated : share of results that a limit of int8 cut, 0..1.
    """

    so_far: float | None
    alone: float | None
    saturated: float


def layer_results(image: Image, x: np.ndarray) -> tuple[list[Layer], list[np.ndarray]]:
    """The program's layers, and uint8 [n, N] of the input and of every layer's results."""
    layers = list(decode(load(image), 0).layers)
    u = to_offset(x).reshape(len(x), -1)
    results = [u]
    for info, layer in zip(image.model.layers, layers, strict=True):
        u = layer.compute(u)[:, : info.outputs]
        results.append(u)
    return layers, results


def precision(
    image: Image,
    x: np.ndarray,
    real: np.ndarray | None = None,
    reference: Sequence[np.ndarray] | None = None,
) -> list[LayerPrecision]:
    """Of every layer of ``image``, on int8 [n, K] inputs ``x``.

    Without a float model its weights are taken from the program: in the engine's own units a layer
    in float is ``(u @ w + b) * m / 2**31 * 2**shift + zero_point``, not rounded and not saturated.

    Parameters
    ----------
    real : float [n, K], the inputs before they were quantized, when known.
    reference : every layer's results of the float model, float [n, N] each, when known.
    """
    layers, results = layer_results(image, x)
    chain = results[0].astype(np.float64)
    if real is not None:
        quant = image.model.input
        chain = np.asarray(real, np.float64) / quant.scale + quant.zero_point + OFFSET
    found = []
    for index, (info, layer) in enumerate(zip(image.model.layers, layers, strict=True)):
        zero, y = info.zero_point + OFFSET, results[index + 1].astype(np.float64)
        chain = _in_float(layer, chain, info.outputs)
        wanted = chain - zero
        if reference is not None:
            wanted = np.asarray(reference[index], np.float64) / info.scale
        alone = _in_float(layer, results[index].astype(np.float64), info.outputs)
        cut = (alone > y + 1) & (y == y.max()) | (alone < y - 1) & (y == y.min())
        found.append(
            LayerPrecision(_ratio(wanted, y - zero), _ratio(alone - zero, y - zero), cut.mean())
        )
    return found


def _in_float(layer: Layer, u: np.ndarray, outputs: int) -> np.ndarray:
    """The layer's results before they are rounded, in units of its output and with its offset."""
    d = layer.descriptor
    factor = layer.multiplier * 2.0 ** (layer.shift - 31)
    sums = OPERATIONS[d["op"]].real_sums(layer.weights, u)
    v = (sums + layer.bias) * factor + d["zero_point"]
    # A limit at zero is a ReLU, even where saturation does its work; other ends of int8 are none.
    if d["clamp_min"] in (d["zero_point"], *range(1, 256)):
        v = np.maximum(v, d["clamp_min"])
    if d["clamp_max"] < 255:
        v = np.minimum(v, d["clamp_max"])
    if layer.table is not None:
        v = np.interp(v, np.arange(256), layer.table.astype(np.float64))
    return v[:, :outputs]


def _ratio(signal: np.ndarray, result: np.ndarray) -> float | None:
    power, noise = np.square(signal).sum(), np.square(result - signal).sum()
    return float(10 * np.log10(power / noise)) if power > 0 and noise > 0 else None
