"""How a layer's function becomes a clamp or an element table, and on which scales."""

from dataclasses import dataclass

import numpy as np

from celosia.network.functions import Function, X
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported

from .calibrate import activation_quant, observe
from .tables import element_table

__all__ = ["Activation", "activation", "clamp_of", "float_table"]

#: Functions that LiteRT has an int8 kernel for, under its names; parameters in the same order.
_LITERT = {
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "gelu": "GELU",
    "leaky_relu": "LEAKY_RELU",
    "hard_swish": "HARD_SWISH",
}
#: Their results' scale where LiteRT fixes it.
_FIXED = {"sigmoid": Quant(1 / 256, -128), "tanh": Quant(1 / 128, 0)}
_GRID = 4096


@dataclass(frozen=True, eq=False)
class Activation:
    """The end of a `Dense`: the parameters of these names."""

    output: Quant
    clamp: tuple[int, int] = (-128, 127)
    table: np.ndarray | None = None
    table_output: Quant | None = None


def activation(f: Function, sums: np.ndarray, results: np.ndarray, method: str) -> Activation:
    """What computes ``f`` in int8, for sums and results as a sample shows them.

    A function that only clips is a clamp, which is exact: rounding keeps the order of numbers. Any
    other becomes a table of 256 entries between two scales. The sums' scale leaves out what the
    function maps to one value anyway, to within half a step: the tails of a sigmoid, say.

    The table is LiteRT's where LiteRT has a kernel for the function and these scales (LOGISTIC,
    TANH, GELU, LEAKY_RELU, HARD_SWISH), else `float_table`.

    Raises
    ------
    CelosiaError : a sum or result is not finite, or their range has no float32 scale.
    """
    if f == X or f.limits:
        output = activation_quant(*observe(results, method))
        return Activation(output, clamp_of(f, output))
    result = _FIXED.get(f.name) if f.args == (X,) else None
    if result is None:
        result = activation_quant(*observe(results, method))
    output = activation_quant(*_without_tails(f, *observe(sums, method), result.scale))
    if f.name in _LITERT and f.args == (X,):
        parameters = {"alpha": f.params[0]} if f.name == "leaky_relu" else {}
        try:
            table = element_table(_LITERT[f.name], output, result, **parameters)
        except Unsupported:  # a negative slope, or scales that its fixed point has no room for
            table = float_table(f, output, result)
    else:
        table = float_table(f, output, result)
    return Activation(output, table=table, table_output=result)


def clamp_of(f: Function, output: Quant) -> tuple[int, int]:
    """int8 limits that compute ``f``, `X` or a clip, on values quantized to ``output``."""
    if f == X:
        return -128, 127
    steps = [np.rint(np.clip(limit / output.scale, -512, 512)) for limit in f.limits]
    low, high = (int(np.clip(step + output.zero_point, -128, 127)) for step in steps)
    return low, high


def float_table(f: Function, source: Quant, output: Quant) -> np.ndarray:
    """int8 [256], ``clip(round(f(source.dequantize(q)) / output.scale) + output.zero_point)``.

    In float64, ties to even as ONNX's QuantizeLinear; indexed by ``q + 128``.

    Raises
    ------
    CelosiaError : a result is not a number.
    """
    x = source.dequantize(np.arange(-128, 128)).astype(np.float64)
    with np.errstate(over="ignore"):
        y = np.rint(f(x) / np.float64(np.float32(output.scale))) + output.zero_point
    if np.isnan(y).any():
        at = float(x[np.isnan(y)][0])
        raise CelosiaError(f"{f} of {at:g} is not a number")
    return np.clip(y, -128, 127).astype(np.int8)


def _without_tails(f: Function, low: float, high: float, step: float) -> tuple[float, float]:
    """The part of low..high that `f` tells apart by more than half a ``step``; 0 stays in it."""
    x = np.linspace(low, high, _GRID)
    y = f(x)
    with np.errstate(invalid="ignore"):
        below = np.flatnonzero(~(np.abs(y - y[0]) <= step / 2))
        above = np.flatnonzero(~(np.abs(y - y[-1]) <= step / 2))
    # The grid's points next to where the value has changed: what lies outside saturates there.
    first = x[below[0] - 1] if below.size and below[0] else low
    last = x[above[-1] + 1] if above.size and above[-1] < _GRID - 1 else high
    return min(float(first), 0.0), max(float(last), 0.0)
