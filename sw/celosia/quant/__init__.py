"""From float to int8: calibration, quantization, and multipliers that are exact to LiteRT."""

from celosia.numerics.multiplier import effective_scale, quantize_multiplier

from .calibrate import METHODS, activation_quant, observe
from .exact_multiplier import accumulator_range, fit_multipliers
from .quantize import quantize

__all__ = [
    "METHODS",
    "accumulator_range",
    "activation_quant",
    "effective_scale",
    "fit_multipliers",
    "observe",
    "quantize",
    "quantize_multiplier",
]
