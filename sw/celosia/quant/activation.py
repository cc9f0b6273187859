"""A layer's function as a clamp or an element table, and the scales of both ends."""

from dataclasses import dataclass

import numpy as np

from celosia.network.functions import Function, X
from celosia.network.steps import Requantize
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError, Unsupported

from .calibrate import activation_quant, choose_range
from .tables import element_table

__all__ = ["Activation", "activation", "clamp_of", "fixed_result", "float_table"]

#: Function -> LiteRT's name of it, for those with an int8 kernel there.
_LITERT = {
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "gelu": "GELU",
    "leaky_relu": "LEAKY_RELU",
    "hard_swish": "HARD_SWISH",
}
#: The quantization of a function's results, where LiteRT prescribes it.
_FIXED = {"sigmoid": Quant(1 / 256, -128), "tanh": Quant(1 / 128, 0)}
_GRID = 4096  # points at which a function is looked at


@dataclass(frozen=True, eq=False)
class Activation:
    """The last parameters of a `Dense`, under its names for them."""

    output: Quant
    clamp: tuple[int, int] = (-128, 127)
    table: np.ndarray | None = None
    table_output: Quant | None = None


def activation(
    f: Function,
    sums: np.ndarray,
    results: np.ndarray,
    method: str,
    output: Quant | None = None,
    result: Quant | None = None,
    runtime: Runtime = Runtime.LITERT,
) -> Activation:
    """The int8 form of ``f``.

    A function that only clips becomes a clamp, which is exact, because rounding preserves order.
    Any other becomes a table of 256 entries between two scales. The range of the sums excludes
    values at either end that the function maps to the same result, to within half a step, such as
    the tails of a sigmoid.

    The table is LiteRT's where LiteRT has a kernel for the function and these scales (LOGISTIC,
    TANH, GELU, LEAKY_RELU, HARD_SWISH), else `float_table`. Where LiteRT prescribes another
    quantization than ``result``, its QUANTIZE is part of the table.

    Parameters
    ----------
    sums, results : float, a sample of the function's argument and of its value.
    method : one of `METHODS`.
    output : of the sums, where it is given: that of what a pool reads.
    result : of the results, where it is given: that of tensors that share it. None for their own.
    runtime : whose table.

    Raises
    ------
    CelosiaError : a sum or result is not finite, or their range has no float32 scale.
    """
    if f == X or f.limits:
        output = output or result or activation_quant(*choose_range(results, method))
        return Activation(output, clamp_of(f, output))
    fixed = fixed_result(f)
    result = result or fixed or activation_quant(*choose_range(results, method))
    if output is None:
        output = activation_quant(*_without_tails(f, *choose_range(sums, method), result.scale))
    if f.name in _LITERT and f.args == (X,):
        parameters = {"alpha": f.params[0]} if f.name == "leaky_relu" else {}
        try:
            name, end = _LITERT[f.name], fixed or result
            table = element_table(name, output, end, runtime, **parameters)
            if fixed is not None and fixed != result:
                table = Requantize(fixed, result)(table)
        except Unsupported:  # a negative slope, or scales that overflow LiteRT's fixed point
            table = float_table(f, output, result)
    else:
        table = float_table(f, output, result)
    return Activation(output, table=table, table_output=result)


def fixed_result(f: Function) -> Quant | None:
    """The quantization that LiteRT prescribes for the results of ``f``; None where it is free."""
    return _FIXED.get(f.name) if f.args == (X,) else None


def clamp_of(f: Function, output: Quant) -> tuple[int, int]:
    """The int8 limits that compute ``f``, `X` or a clip, on values quantized to ``output``.

    Raises
    ------
    ValueError : ``f`` is neither.
    """
    if f == X:
        return -128, 127
    if f.limits is None:
        raise ValueError(f"{f} does more than clip")
    steps = [np.rint(np.clip(limit / output.scale, -512, 512)) for limit in f.limits]
    low, high = (int(np.clip(step + output.zero_point, -128, 127)) for step in steps)
    return low, high


def float_table(f: Function, source: Quant, output: Quant) -> np.ndarray:
    """``clip(round(f(source.dequantize(q)) / output.scale) + output.zero_point)`` of all q.

    In float64, with ties to even as in ONNX's QuantizeLinear.

    Returns
    -------
    int8 [256], indexed by ``q + 128``.

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
    """low..high without the ends at which `f` changes by at most half a ``step``; 0 stays in."""
    x = np.linspace(low, high, _GRID)
    y = f(x)
    with np.errstate(invalid="ignore"):
        below = np.flatnonzero(~(np.abs(y - y[0]) <= step / 2))
        above = np.flatnonzero(~(np.abs(y - y[-1]) <= step / 2))
    # The last points of the grid before the value changes: all beyond them may saturate there.
    first = x[below[0] - 1] if below.size and below[0] else low
    last = x[above[-1] + 1] if above.size and above[-1] < _GRID - 1 else high
    return min(float(first), 0.0), max(float(last), 0.0)
