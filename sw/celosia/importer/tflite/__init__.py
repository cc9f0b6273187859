"""int8 ``.tflite`` files, read without LiteRT; their networks equal LiteRT byte for byte."""

from .read import read_tflite
from .to_graph import tflite_network

__all__ = ["read_tflite", "tflite_network"]
