"""Signal to quantization noise of each layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celosia.compiler.image import Image
from celosia.model.program import Layer, vector_layers
from celosia.model.run import load
from celosia.network.graph import chain
from celosia.numerics.array import accumulate
from celosia.numerics.offset_binary import to_offset
from celosia.numerics.quant import Quant
from celosia.spec import OFFSET

__all__ = ["LayerPrecision", "fitted", "input_precision", "precision", "ratio"]


@dataclass(frozen=True)
class LayerPrecision:
    """Signal to quantization noise of one layer's results, in decibels: ``10 * log10(sum(signal**2)
    / sum((result - signal)**2))``. None: no noise, or no signal.

    Parameters
    ----------
    so_far : signal of the float network; the noise includes that of all layers before.
    alone : signal of this layer in float on its int8 input; the noise is its own rounding and
        saturation.
    saturated : share of results clipped by saturation to int8, 0..1.
    """

    so_far: float | None
    alone: float | None
    saturated: float


def _layer_results(image: Image, x: np.ndarray) -> tuple[list[Layer], list[np.ndarray]] | None:
    """The program's layers, and uint8 [n, N] values: of the input, then of each layer's results.

    None if they are not those of the model: on maps, or with folded channels.
    """
    layers = list(vector_layers(load(image)))
    infos = image.model.layers
    if len(layers) != len(infos) or image.model.reads != chain(infos):
        return None
    if any(
        info.macs != info.inputs * info.outputs or len(layer.weights) != info.inputs
        for info, layer in zip(infos, layers, strict=True)
    ):
        return None
    u = to_offset(x).reshape(len(x), -1)
    results = [u]
    for info, layer in zip(infos, layers, strict=True):
        u = layer.postprocess(accumulate(u, layer.weights))[:, : info.outputs]
        results.append(u)
    return layers, results


def input_precision(quant: Quant, x: np.ndarray, real: np.ndarray) -> LayerPrecision:
    """Precision of the input itself.

    Parameters
    ----------
    quant : of the input. x : int8 [n, K] inputs. real : float [n, K], before quantization.
    """
    steps = np.asarray(real, np.float64) / quant.scale
    values = x.astype(np.float64) - quant.zero_point
    found = ratio(steps, values)
    return LayerPrecision(found, found, float((np.abs(steps - values) > 1).mean()))


def fitted(reference: np.ndarray, result: np.ndarray, channels: int) -> np.ndarray:
    """``reference`` with each channel brought to the scale of ``result``, both [n, values].

    Equalization divides channels by factors that the next layer takes back, so that a layer's
    results are those of the float model but for a factor each. They are found by least squares;
    factors that all channels share within a fifth are those of another model, and stay.
    """
    columns = np.asarray(reference, np.float64).reshape(-1, channels)
    values = np.asarray(result, np.float64).reshape(-1, channels)
    power = np.square(columns).sum(axis=0)
    factor = (columns * values).sum(axis=0) / np.where(power > 0, power, 1)
    # Noise alone gives no factor: a channel that is lost stays lost.
    noise = np.square(columns * factor - values).sum(axis=0)
    known = (factor > 0) & (noise < np.square(values).sum(axis=0) / 10)
    if not known.any() or factor[known].max() < 1.2 * factor[known].min():
        return np.asarray(reference, np.float64)
    return (columns * np.where(known, factor, 1)).reshape(np.shape(reference))


def precision(
    image: Image,
    x: np.ndarray,
    real: np.ndarray | None = None,
    reference: Sequence[np.ndarray] | None = None,
) -> list[LayerPrecision] | None:
    """Precision of every layer of ``image``, a perceptron.

    None of other networks, and where channels were folded: the image does not hold their weights.

    Without ``reference`` the float network has the program's own weights: in units of the engine a
    layer is ``(u @ w + b) * m / 2**31 * 2**shift + zero_point``, not rounded and not saturated.

    Parameters
    ----------
    x : int8 [n, K] inputs.
    real : float [n, K] inputs before quantization, or None.
    reference : float [n, N] results of the float model for each layer, or None.
    """
    known = _layer_results(image, x)
    if known is None:
        return None
    layers, results = known
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
            wanted = fitted(wanted, y - zero, info.outputs)
        alone = _in_float(layer, results[index].astype(np.float64), info.outputs)
        cut = (alone > y + 1) & (y == y.max()) | (alone < y - 1) & (y == y.min())
        found.append(
            LayerPrecision(ratio(wanted, y - zero), ratio(alone - zero, y - zero), cut.mean())
        )
    return found


def _in_float(layer: Layer, u: np.ndarray, outputs: int) -> np.ndarray:
    """The layer's results before rounding, float [n, outputs], in offset binary units."""
    d = layer.descriptor
    factor = layer.multiplier * 2.0 ** (layer.shift - 31)
    v = (u @ layer.weights.astype(np.float64) + layer.bias) * factor + d["zero_point"]
    # A clamp at the zero point is a ReLU, also at an end of int8, where saturation implements it.
    # Other clamps at an end of int8 are only saturation, which the float layer does not have.
    if d["clamp_min"] in (d["zero_point"], *range(1, 256)):
        v = np.maximum(v, d["clamp_min"])
    if d["clamp_max"] < 255:
        v = np.minimum(v, d["clamp_max"])
    if layer.table is not None:
        v = np.interp(v, np.arange(256), layer.table.astype(np.float64))
    return v[:, :outputs]


def ratio(signal: np.ndarray, result: np.ndarray) -> float | None:
    """Power of the signal to that of ``result - signal``, in decibels; None if either is 0."""
    power, noise = np.square(signal).sum(), np.square(result - signal).sum()
    return float(10 * np.log10(power / noise)) if power > 0 and noise > 0 else None
