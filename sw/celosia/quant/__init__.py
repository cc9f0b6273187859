"""From float to int8: calibration, quantization, and multipliers that are exact to LiteRT."""

from celosia.quant.calibrate import METHODS, activation_quant, observe
from celosia.quant.fit import accumulator_range, fit_multipliers
from celosia.quant.multiplier import effective_scale, quantize_multiplier
from celosia.quant.quantize import quantize

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
