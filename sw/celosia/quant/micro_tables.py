"""Element tables of TFLite Micro where they differ from LiteRT's.

Sources: ``tensorflow/lite/micro/kernels`` (``activations_common.cc``, ``elu.cc``,
``logistic_common.cc``, ``tanh.cc``) and ``tensorflow/lite/kernels/internal/reference/integer_ops``
(``logistic.h``, ``tanh.h``) of TFLite Micro.
"""

from collections.abc import Callable
from math import floor, frexp

import numpy as np

from celosia.numerics.fixed_point import multiply_by_quantized_multiplier, rounding_divide_by_pot
from celosia.numerics.quant import Quant
from celosia.numerics.transcendental import logistic, tanh
from celosia.support.errors import Unsupported

from .float_table import libm, through_float

__all__ = ["FUNCTIONS", "MISSING"]

_f32 = np.float32
_Q = np.arange(-128, 128, dtype=np.int64)
_INTEGER_BITS = 4  # of the argument of LOGISTIC and TANH


def _in_fixed_point(
    function: Callable[[np.ndarray], np.ndarray], source: Quant, name: str, bits: int
) -> np.ndarray:
    """``function`` of Q4.27 arguments, its Q0.31 values rounded to ``bits`` bits after the point.

    Arguments beyond what Q4.27 holds give the smallest and largest value. The shift of the scale
    must be at least 0, where TFLite Micro's own arithmetic is defined.
    """
    mantissa, shift = frexp(float(_f32(source.scale)) * 2.0 ** (31 - _INTEGER_BITS))
    if not 0 <= shift <= 62:
        raise Unsupported(
            f"input scale {source.scale:g} is outside of 2**-28..2**35, where TFLite Micro's "
            "table is defined",
            where=name,
        )
    x = _Q - source.zero_point
    # CalculateInputRadius of ``quantization_util.cc``: beyond it Q4.27 would overflow.
    radius = floor(((1 << _INTEGER_BITS) - 1) * 2.0 ** (31 - _INTEGER_BITS) / 2.0**shift)
    inside = np.abs(x) < radius
    # Exact: a float32 has 24 bits.
    scaled = multiply_by_quantized_multiplier(np.where(inside, x, 0), int(mantissa * 2**31), shift)
    values = rounding_divide_by_pot(function(scaled), 31 - bits)
    limit = np.int64(1) << bits
    return np.where(inside, values, np.where(x <= -radius, -limit, limit))


def _logistic(source: Quant, output: Quant) -> np.ndarray:
    """The scale of the output is taken to be 1/256, whatever the file says."""
    if output.zero_point != -128:
        raise Unsupported(
            f"output zero point {output.zero_point} is not -128, which TFLite Micro demands",
            where="LOGISTIC",
        )
    values = _in_fixed_point(logistic, source, "LOGISTIC", bits=8)
    return np.maximum(values, 0) - 128


def _tanh(source: Quant, output: Quant) -> np.ndarray:
    """The output is taken to have scale 1/128 and zero point 0, whatever the file says."""
    return _in_fixed_point(tanh, source, "TANH", bits=7)


def _elu(x: np.ndarray) -> np.ndarray:
    """``exp(x) - 1`` below 0, where LiteRT has expm1."""
    return np.where(x < 0, libm(np.exp, np.minimum(x, 0)) - _f32(1), x)


def _relu6(source: Quant, output: Quant) -> np.ndarray:
    """The bytes of the input between its 0 and its 6, whatever the scale of the output."""
    with np.errstate(over="ignore"):
        steps = float(_f32(6) / _f32(source.scale))
    if not steps < 2.0**31 - 256:
        raise Unsupported(f"input scale {source.scale:g} overflows 32 bits", where="RELU6")
    six = floor(steps + 0.5) + source.zero_point
    return np.clip(_Q, source.zero_point, min(six, 127))


#: Name -> function that gives the unclamped values of all 256 inputs.
FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "LOGISTIC": _logistic,
    "TANH": _tanh,
    "ELU": through_float(_elu),
    "RELU6": _relu6,
}
#: Functions of `celosia.quant.tables` that TFLite Micro does not have.
MISSING = ("GELU", "RELU_N1_TO_1", "RELU_0_TO_1")
