"""int8 ``.tflite`` files, read without LiteRT and equal to it byte for byte."""

from celosia.importer.tflite.read import read_tflite
from celosia.importer.tflite.to_graph import tflite_network

__all__ = ["read_tflite", "tflite_network"]
