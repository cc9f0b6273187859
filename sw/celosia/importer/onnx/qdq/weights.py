"""Integers and scales of the constants that a quantized layer computes with.

A file gives them before they are moved, cut and joined on their way into a layer. The numbers they
stand for are exact in float64, so that the integers are found again in what a layer is made of.
"""

from dataclasses import dataclass, field

import numpy as np

from celosia.importer.values import Base
from celosia.network.float_layers import FloatConvolution, FloatDense
from celosia.network.functions import Function
from celosia.network.layers import Convolution, Dense, Depthwise, Layer
from celosia.numerics.multiplier import effective_scale
from celosia.numerics.quant import Quant
from celosia.quant.activation import clamp_of
from celosia.quant.exact_multiplier import accumulator_range, fit_multipliers
from celosia.spec import BIAS, Rounding
from celosia.support.errors import Unsupported

from .linear import TODO

__all__ = ["Scales", "weighted"]

#: How far numbers may be from integers, in steps of their scale.
_CLOSE = 1e-5


@dataclass
class Scales:
    """The scales of all constants of a file that a DequantizeLinear makes.

    Attributes
    ----------
    known : float64 [1] or [channels] each, in the order of the file.
    """

    known: list[np.ndarray] = field(default_factory=list)

    def add(self, scale: np.ndarray) -> None:
        self.known.append(np.asarray(scale, np.float32).astype(np.float64).reshape(-1))

    def of_weights(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """int8 [N, K] and float32 scales [N] of weights [N, K].

        Raises
        ------
        Unsupported : no scales of the file make them integers of int8.
        """
        for scale in self.known:
            if scale.size not in (1, len(rows)):
                continue
            for part in (rows[:, :4], rows):
                steps = part / scale[:, None]
                whole = np.rint(steps)
                if (np.abs(steps - whole) > _CLOSE).any() or np.abs(whole).max() > 255:
                    break
            else:
                if whole.min() < -128 or whole.max() > 127:
                    raise Unsupported(
                        "weights minus their zero point exceed int8",
                        todo="quantize weights symmetrically",
                    )
                return whole.astype(np.int8), np.broadcast_to(scale, len(rows)).astype(np.float32)
        raise Unsupported(
            "its weights are not quantized constants, one scale per output", todo=TODO
        )

    def of_bias(self, bias: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """int64 [N], a bias in steps of ``unit``: the file's own integers where their scale is that
        but for its rounding, else the nearest ones."""
        for scale in self.known:
            if scale.size in (1, len(unit)) and np.allclose(scale, unit, rtol=1e-4, atol=0):
                steps = bias / scale
                if (np.abs(steps - np.rint(steps)) <= _CLOSE * np.maximum(1, np.abs(steps))).all():
                    bias, unit = steps, np.ones(1)
                    break
        return np.clip(np.rint(bias / unit), -(2.0**40), 2.0**40).astype(np.int64)


def weighted(
    name: str,
    made: Base,
    scales: Scales,
    source: Quant,
    output: Quant,
    f: Function,
    limits: tuple[int, int],
) -> Layer:
    """The int8 layer of a float one with weights, which are integers times scales of the file.

    Parameters
    ----------
    made : the float layer.
    f : of the sums. limits : of the results.

    Raises
    ------
    Unsupported : ``f`` does more than clip, or a weight, bias or scale factor is too large.
    """
    kind, parameters = made.kind, made.parameters
    last = kind is not FloatConvolution
    values = parameters["weights"]
    rows = values.reshape(-1, values.shape[-1]).T if last else values.reshape(len(values), -1)
    weights, scale = scales.of_weights(rows)
    unit = np.float64(source.scale) * scale.astype(np.float64)
    bias = scales.of_bias(parameters["bias"], unit)
    if f.name != "x" and not f.limits:
        raise Unsupported(f"{f} follows a layer whose sums have no scale", todo=TODO)
    low, high = clamp_of(f, output)
    clamp = (max(low, limits[0]), max(min(high, limits[1]), limits[0]))
    if bias.min() < BIAS.min or bias.max() > BIAS.max:
        raise Unsupported("a bias exceeds 32 bits")
    real = effective_scale(source.scale, scale, output.scale)
    if not (real < 2.0**30).all():
        raise Unsupported("a scale factor exceeds 2**30")
    least, most = accumulator_range(weights, bias, source.zero_point)
    m, shift, _ = fit_multipliers(real, least, most, output.zero_point, clamp)
    bias = bias.astype(np.int32)
    if kind is FloatDense:
        shape = parameters["input_shape"]
        return Dense(name, weights, bias, source, m, shift, output, input_shape=shape, clamp=clamp)
    more = {
        each: parameters[each]
        for each in ("input_shape", "output_size", "stride", "dilation", "padding")
    } | {"clamp": clamp, "rounding": Rounding.SINGLE}
    if not last:
        shaped = weights.reshape(values.shape)
        return Convolution(name, shaped, bias, source, m, shift, output, **more)
    shaped = weights.T.reshape(values.shape).copy()
    return Depthwise(name, shaped, bias, source, m, shift, output, **more)
