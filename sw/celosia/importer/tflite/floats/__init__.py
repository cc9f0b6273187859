"""Float ``.tflite`` files: the same float graph as of every other format."""

from .model import computes_in_float, float_network, is_float

__all__ = ["computes_in_float", "float_network", "is_float"]
