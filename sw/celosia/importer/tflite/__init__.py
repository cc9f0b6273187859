"""``.tflite`` files, read without LiteRT: networks of int8 files equal LiteRT byte for byte, those
that compute in float are calibrated."""

from .read import read_tflite
from .to_graph import tflite_model, tflite_network

__all__ = ["read_tflite", "tflite_model", "tflite_network"]
