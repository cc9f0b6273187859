"""Fold zero points into biases and prove that no accumulator overflows."""

import numpy as np

from celosia.network.graph import Dense
from celosia.spec import ACC, ACTIVATION, BIAS, OFFSET, WEIGHT
from celosia.support.errors import CelosiaError

__all__ = ["check_sums", "fold", "fold_bias"]

_TODO = "scale the layer's weights down or split its inputs"


def fold(layer: Dense) -> np.ndarray:
    """``b'[n] = b[n] - (zp_in + 128) * sum_k w[n, k]``, proved safe.

    The engine multiplies offset-binary bytes ``u = q + 128``, and
    ``sum((q - zp) * w) + b = sum(u * w) + b'`` whatever the zero point.

    Parameters
    ----------
    layer : any layer with weights [N, K] and a bias.

    Returns
    -------
    int64 [N], each within BIAS.

    Raises
    ------
    CelosiaError
        naming layer and channel, when a folded bias leaves int32 or
        ``255 * sum(|w|) + |b'| > ACC.max``.
    """
    return fold_bias(layer.name, layer.weights, layer.bias, layer.input.zero_point)


def fold_bias(name: str, weights: np.ndarray, bias: np.ndarray, zero_point: int) -> np.ndarray:
    """`fold` of int8 ``weights`` [N, K] and ``bias`` [N]."""
    sums = weights.sum(axis=1, dtype=np.int64)
    folded = bias.astype(np.int64) - (zero_point + OFFSET) * sums
    check_sums(name, weights, folded)
    return folded


def check_sums(name: str, weights: np.ndarray, bias: np.ndarray) -> None:
    """Prove that sums over ``weights`` [N, K] with the folded ``bias`` [N] fit the accumulator.

    Raises
    ------
    CelosiaError : see `fold`.
    """
    bad = (bias < BIAS.min) | (bias > BIAS.max)
    if bad.any():
        channel = int(bad.argmax())
        raise CelosiaError(
            f"the folded bias {bias[channel]} does not fit {BIAS.width} bits",
            where=f"{name}, channel {channel}",
            todo=_TODO,
        )
    most = ACTIVATION.max * -WEIGHT.min * weights.shape[1] + int(np.abs(bias).max(initial=0))
    if most <= ACC.max:
        return  # whatever the weights are
    reach = ACTIVATION.max * np.abs(weights.astype(np.int64)).sum(axis=1) + np.abs(bias)
    if (reach > ACC.max).any():
        channel = int((reach > ACC.max).argmax())
        raise CelosiaError(
            f"sums up to {reach[channel]} overflow the {ACC.width}-bit accumulator",
            where=f"{name}, channel {channel}",
            todo=_TODO,
        )
