"""Quantized ONNX models in QDQ form, which keep their own scales."""

from .linear import LINEAR, Quantized, on_integers
from .lower import qdq_network

__all__ = ["LINEAR", "Quantized", "on_integers", "qdq_network"]
