"""What runs on the host around the engine: the steps before and after the layers, exact to
LiteRT."""

from .dequantize import Dequantize
from .float_softmax import FloatSoftmax
from .quantize import Quantize, Requantize
from .quantize_linear import QuantizeLinear
from .reorder import Reorder
from .scale import Scale
from .softmax import Softmax

__all__ = [
    "Dequantize",
    "FloatSoftmax",
    "Quantize",
    "QuantizeLinear",
    "Reorder",
    "Requantize",
    "Scale",
    "Softmax",
]
