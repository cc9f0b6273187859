"""From float to int8: calibration, quantization, and multipliers that equal LiteRT's results."""

from celosia.numerics.multiplier import effective_scale, quantize_multiplier

from .calibrate import METHODS, activation_quant, choose_range
from .exact_multiplier import accumulator_range, fit_multipliers
from .precision import Precision, measure
from .quantize import Quantized, quantize, quantized

__all__ = [
    "METHODS",
    "Precision",
    "Quantized",
    "accumulator_range",
    "activation_quant",
    "choose_range",
    "effective_scale",
    "fit_multipliers",
    "measure",
    "quantize",
    "quantize_multiplier",
    "quantized",
]
