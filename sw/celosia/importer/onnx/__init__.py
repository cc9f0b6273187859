"""ONNX models: float ones, and ones quantized in QDQ form, which keep their own scales."""

from .model import onnx_model

__all__ = ["onnx_model"]
