"""Keras 3 ``.keras`` files, read without Keras."""

from .model import keras_network

__all__ = ["keras_network"]
