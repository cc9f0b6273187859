"""The range of real values that int8 should cover, from a sample of them."""

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

__all__ = ["METHODS", "activation_quant", "choose_range"]

#: Ways to choose a range; `choose_range` describes each.
METHODS = ("minmax", "percentile", "mse")

_TAIL = 1e-4  # fraction of the values outside of a "percentile" range, on each side
_BINS = 4096  # of the histogram
_CANDIDATES = 100  # ends that are tried for "mse"


def choose_range(values: np.ndarray, method: str = "minmax") -> tuple[float, float]:
    """The range of ``values`` that int8 should cover; it always includes 0.

    - "minmax": all values.
    - "percentile": all but the outermost 0.01 % on each side.
    - "mse": each end is moved inwards to where rounding and clipping to int8 together have the
      least squared error, summed over a histogram of 4,096 bins.

    Parameters
    ----------
    values : float array of any shape with at least one value.
    method : one of `METHODS`.

    Returns
    -------
    low, high : ``low <= 0 <= high``.

    Raises
    ------
    CelosiaError : there are no values, one is not finite, or the method is unknown.
    """
    values = np.asarray(values).ravel()
    if not values.size:
        raise CelosiaError("no values to calibrate with", todo="give at least one input")
    if not np.isfinite(values).all():
        at = int(np.argmax(~np.isfinite(values)))
        raise CelosiaError(
            f"value {at} is {values[at]}", todo="check the calibration data and the weights"
        )
    if method not in METHODS:
        raise CelosiaError(
            f"calibration method {method!r} is unknown", todo="use " + ", ".join(METHODS)
        )
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if method == "minmax" or low == high:
        return low, high
    if method == "percentile":
        inner = np.quantile(values, [_TAIL, 1 - _TAIL])
        return min(float(inner[0]), 0.0), max(float(inner[1]), 0.0)
    return _least_error(values, low, high)


def activation_quant(low: float, high: float) -> Quant:
    """Asymmetric int8 over low..high: ``scale = (high - low) / 255`` in float32.

    The zero point is ``round(-128 - low / scale)``, so 0 is represented exactly. For a range that
    begins at 0 it is -128: a zero is then the byte 0 in the engine. A range of width 0 has scale 1.
    Source: ``tflite/tools/optimize/quantization_utils.cc``, ``GetAsymmetricQuantization``.

    Raises
    ------
    CelosiaError : the scale is not a normal float32.
    """
    if low == high:
        return Quant(1.0, -128)
    scale = float(np.float32((high - low) / 255))
    if not np.finfo(np.float32).tiny <= scale < np.inf:
        raise CelosiaError(f"range {low:g}..{high:g} has no float32 scale")
    return Quant(scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))


def _least_error(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """The range within low..high of the least squared error."""
    counts, edges = np.histogram(values, _BINS, (low, high))
    centres = (edges[:-1] + edges[1:]) / 2

    def loss(low: float, high: float) -> float:
        quant = activation_quant(low, high)
        error = quant.dequantize(quant.quantize(centres)) - centres
        return float(counts @ (error * error))

    # One end at a time, twice: outliers are rarely on both sides.
    shrunk = np.linspace(1, 0.2, _CANDIDATES)
    for _ in range(2):
        if high > 0:
            high = min((high * keep for keep in shrunk), key=lambda end: loss(low, end))
        if low < 0:
            low = min((low * keep for keep in shrunk), key=lambda end: loss(end, high))
    return float(low), float(high)
