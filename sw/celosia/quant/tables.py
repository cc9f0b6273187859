"""Element tables: int8 -> int8 functions as 256 entries, as LiteRT's or TFLite Micro's kernels
compute them."""

from collections.abc import Callable
from math import erfc

import numpy as np

from celosia.numerics.fixed_point import (
    multiply_by_quantized_multiplier,
    rounding_divide_by_pot,
    saturating_left_shift,
    saturating_rounding_doubling_high_mul,
)
from celosia.numerics.multiplier import quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.spec.formats import SHIFT_MAX
from celosia.support.errors import CelosiaError, Unsupported

from . import micro_tables
from .float_table import libm, through_float

__all__ = ["FUNCTIONS", "element_table"]

#: ``values(source, output, **parameters)``: int64 [256].
_Function = Callable[..., np.ndarray]

_f32 = np.float32
_Q = np.arange(-128, 128, dtype=np.int64)


def element_table(
    name: str,
    source: Quant,
    output: Quant,
    runtime: Runtime = Runtime.LITERT,
    /,
    **parameters: float,
) -> np.ndarray:
    """The table of function ``name`` from int8 of ``source`` to int8 of ``output``.

    It equals LiteRT's reference kernels (``tflite/kernels/activations.cc``) byte for byte:
    LOGISTIC, TANH, ELU and GELU through float32 (`LUTPopulate`), RELU, RELU6, RELU_N1_TO_1,
    RELU_0_TO_1 and LEAKY_RELU through a 32-bit fixed-point factor, HARD_SWISH in 16 bits. Those
    of TFLite Micro are the same but for `celosia.quant.micro_tables`.

    Parameters
    ----------
    name : one of `FUNCTIONS`.
    runtime : whose table.
    parameters : ``alpha`` of LEAKY_RELU (float32); ``approximate`` of GELU (bool).

    Returns
    -------
    int8 [256], indexed by ``q + 128``.

    Raises
    ------
    CelosiaError : the function is unknown.
    Unsupported : the runtime refuses these scales or this alpha, or its arithmetic overflows, or
        it has no such function.
    """
    if name not in FUNCTIONS:
        raise CelosiaError(f"function {name!r} is unknown", todo="use " + ", ".join(FUNCTIONS))
    function = FUNCTIONS[name]
    if runtime == Runtime.TFLM:
        function = micro_tables.FUNCTIONS.get(name, function)
    values = function(source, output, **parameters)
    return np.clip(values, -128, 127).astype(np.int8)


def _logistic(source: Quant, output: Quant) -> np.ndarray:
    if _f32(output.scale) != 1 / 256:
        raise Unsupported(f"output scale {output.scale:g} is not 1/256", where="LOGISTIC")
    return through_float(lambda x: _f32(1) / (_f32(1) + libm(np.exp, -x)))(source, output)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, libm(np.expm1, np.minimum(x, 0)), x)


def _gelu(source: Quant, output: Quant, approximate: bool = False) -> np.ndarray:
    return through_float(_gelu_tanh if approximate else _gelu_erfc)(source, output)


def _gelu_erfc(x: np.ndarray) -> np.ndarray:
    argument = x * _f32(-np.sqrt(0.5))
    return _f32(0.5) * x * np.array([erfc(v) for v in argument.tolist()], _f32)


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    cubic = x + _f32(0.044715) * x * x * x
    return _f32(0.5) * x * (_f32(1) + libm(np.tanh, _f32(np.sqrt(2 / np.pi)) * cubic))


def _scaled(source: Quant, real: float) -> np.ndarray:
    """``(q - zero_point) * real`` of all q, rounded twice as LiteRT does."""
    m, shift = quantize_multiplier(real)
    if shift > SHIFT_MAX - 8:
        raise Unsupported(f"a scale factor of {real:g} overflows LiteRT's 32 bits")
    return multiply_by_quantized_multiplier(_Q - source.zero_point, m, shift)


def _relu(low: float, high: float) -> _Function:
    def values(source: Quant, output: Quant) -> np.ndarray:
        y = _scaled(source, float(_f32(source.scale) / _f32(output.scale))) + output.zero_point
        # Source: QuantizedReluX. The limits are clamped to int8 by the caller.
        limits = [
            output.zero_point + (np.sign(v) * np.floor(np.abs(_f32(v) / _f32(output.scale)) + 0.5))
            for v in (low, high)
        ]
        return np.clip(y, *limits)

    return values


def _leaky_relu(source: Quant, output: Quant, alpha: float = 0.0) -> np.ndarray:
    if not 0 <= alpha < np.inf:
        raise Unsupported(f"alpha {alpha:g} is not in 0 <= alpha < inf", where="LEAKY_RELU")
    scale = _f32(source.scale)
    identity = _scaled(source, float(scale / _f32(output.scale)))
    leak = _scaled(source, float(scale * _f32(alpha) / _f32(output.scale)))
    return np.where(source.zero_point <= _Q, identity, leak) + output.zero_point


def _hard_swish(source: Quant, output: Quant) -> np.ndarray:
    """``x * clip(x + 3, 0, 6) / 6`` in int16 (``internal/reference/hard_swish.h``)."""
    mul = saturating_rounding_doubling_high_mul
    fine = _f32(1 / 128) * _f32(source.scale)
    out_m, out_shift = quantize_multiplier(float(fine / _f32(output.scale)))
    relu_m, relu_shift = quantize_multiplier(float(fine / _f32(3 / 32768)))
    if out_shift > 0:
        raise Unsupported(f"output scale {output.scale:g} is too small", where="HARD_SWISH")
    if relu_shift > 16:
        raise Unsupported(f"input scale {source.scale:g} is too large", where="HARD_SWISH")
    x = (_Q - source.zero_point) << 7
    gate = x
    # The saturating shift is split as in LiteRT: only its last bit can saturate the result.
    if relu_shift > 0:
        gate = saturating_left_shift(gate, relu_shift - 1, 16)
    gate = mul(gate, _to_int16(relu_m), 16)
    if relu_shift > 0:
        gate = saturating_left_shift(gate, 1, 16)
    elif relu_shift < 0:
        gate = rounding_divide_by_pot(gate, -relu_shift, 16)
    gate = (gate + (1 << 15)) >> 1
    product = gate * mul(x, _to_int16(out_m), 16)
    # C's integer division rounds towards zero.
    before = np.sign(product) * (np.abs(product) >> 15)
    return rounding_divide_by_pot(before, -out_shift, 16) + output.zero_point


def _to_int16(m: int) -> int:
    """DownScaleInt32ToInt16Multiplier."""
    return min((m + (1 << 15)) >> 16, (1 << 15) - 1)


#: Name in the TFLite schema -> function that gives the unclamped values of all 256 inputs.
FUNCTIONS: dict[str, _Function] = {
    "LOGISTIC": _logistic,
    "TANH": through_float(lambda x: libm(np.tanh, x)),
    "ELU": through_float(_elu),
    "GELU": _gelu,
    "RELU": _relu(0, np.inf),
    "RELU6": _relu(0, 6),
    "RELU_N1_TO_1": _relu(-1, 1),
    "RELU_0_TO_1": _relu(0, 1),
    "LEAKY_RELU": _leaky_relu,
    "HARD_SWISH": _hard_swish,
}
