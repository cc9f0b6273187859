"""ONNX models: float ones, and quantized ones in QDQ form with their own scales."""

from .model import onnx_model

__all__ = ["onnx_model"]
