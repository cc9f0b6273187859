"""Fold zero points into biases and prove that no accumulator overflows."""

import numpy as np

from celosia.network.graph import Layer
from celosia.spec import ACC, ACTIVATION, BIAS, OFFSET
from celosia.support.errors import CelosiaError

__all__ = ["fold"]

_TODO = "scale the layer's weights down or split its inputs"


def fold(layer: Layer) -> np.ndarray:
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
    w = layer.weights.astype(np.int64)
    bias = layer.bias.astype(np.int64) - (layer.input.zero_point + OFFSET) * w.sum(axis=1)
    bad = (bias < BIAS.min) | (bias > BIAS.max)
    if bad.any():
        channel = int(bad.argmax())
        raise CelosiaError(
            f"the folded bias {bias[channel]} does not fit {BIAS.width} bits",
            where=f"{layer.name}, channel {channel}",
            todo=_TODO,
        )
    reach = ACTIVATION.max * np.abs(w).sum(axis=1) + np.abs(bias)
    if (reach > ACC.max).any():
        channel = int((reach > ACC.max).argmax())
        raise CelosiaError(
            f"sums up to {reach[channel]} overflow the {ACC.width}-bit accumulator",
            where=f"{layer.name}, channel {channel}",
            todo=_TODO,
        )
    return bias
