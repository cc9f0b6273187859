"""A real scale factor as the engine's integer multiplier and shift."""

import math

import numpy as np

from celosia.spec import MULTIPLIER
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia.support.errors import CelosiaError

__all__ = ["effective_scale", "micro_scale", "quantize_multiplier"]


def effective_scale(
    input_scale: float, weight_scale: np.ndarray, output_scale: float
) -> np.ndarray:
    """float64 ``s_in * s_w / s_out`` of float32 scales, in the order of LiteRT's FULLY_CONNECTED.

    The order matters: the product of two float32 is exact in float64, the quotient is rounded once
    (``reference/integer_ops/fully_connected.h``, ``effective_output_scale``).
    """
    product = np.float64(np.float32(input_scale)) * np.asarray(weight_scale, np.float32).astype(
        np.float64
    )
    return product / np.float64(np.float32(output_scale))


def micro_scale(input_scale: float, weight_scale: np.ndarray, output_scale: float) -> np.ndarray:
    """As `effective_scale`, in the order of TFLite Micro's FULLY_CONNECTED.

    With one scale for all channels the product is rounded to float32 before it is divided
    (``kernel_util.cc``, GetQuantizedConvolutionMultipler); with a scale each it is not.
    """
    scales = np.asarray(weight_scale, np.float32)
    if scales.size > 1:
        return effective_scale(input_scale, scales, output_scale)
    with np.errstate(over="ignore"):
        product = np.float32(input_scale) * scales
    return product.astype(np.float64) / np.float64(np.float32(output_scale))


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``(m, shift)`` with ``real ~ m / 2**31 * 2**shift``, LiteRT's ``QuantizeMultiplier``.

    ``m, shift = frexp(real)``; ``m = round(m * 2**31)``, ties away from zero; a mantissa rounded up
    to ``2**31`` is halved. A factor below ``2**-32`` becomes ``(0, 0)``. One of ``2**30`` and more
    saturates to ``(2**31 - 1, 30)``, as in LiteRT's single-rounding build.

    Source: ``tflite/kernels/internal/quantization_util.cc``.

    Returns
    -------
    m : 0, or 2**30..2**31 - 1 (`MULTIPLIER`). shift : -31..30 (`SHIFT`).

    Raises
    ------
    CelosiaError : `real` is negative, infinite or not a number.
    """
    real = float(real)
    if not 0 <= real < math.inf:
        raise CelosiaError(f"{real} is not a scale factor", todo="check the model's scales")
    mantissa, shift = math.frexp(real)
    # Exact: a float64 mantissa times 2**31 has 22 bits after the point.
    m = math.floor(mantissa * 2**31 + 0.5)
    if m == 2**31:
        m, shift = m // 2, shift + 1
    if shift < SHIFT_MIN or m == 0:
        return 0, 0
    if shift > SHIFT_MAX:
        return MULTIPLIER.max, SHIFT_MAX
    return m, shift
