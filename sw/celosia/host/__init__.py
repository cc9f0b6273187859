"""What runs on the host around the engine: the edges of a network, exact to LiteRT."""

from celosia.host.dequantize import Dequantize
from celosia.host.float_softmax import FloatSoftmax
from celosia.host.quantize import Quantize, Requantize
from celosia.host.quantize_linear import QuantizeLinear
from celosia.host.softmax import Softmax

__all__ = ["Dequantize", "FloatSoftmax", "Quantize", "QuantizeLinear", "Requantize", "Softmax"]
