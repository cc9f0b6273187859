"""Keras 3 ``.keras`` files, read without Keras."""

from celosia.importer.keras.model import keras_network

__all__ = ["keras_network"]
