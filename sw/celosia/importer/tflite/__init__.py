"""int8 ``.tflite`` files, read without LiteRT and equal to it byte for byte."""

from .read import read_tflite
from .to_graph import tflite_network

__all__ = ["read_tflite", "tflite_network"]
