"""Engine and reference side by side, tensor by tensor: where they differ first, and why."""

from .micro import tflm
from .reference import REFERENCES, Reference, direct, litert, onnxruntime
from .side_by_side import Comparison, Fault, compare, run_engine
from .tensors import First, TensorDiff

__all__ = [
    "REFERENCES",
    "Comparison",
    "Fault",
    "First",
    "Reference",
    "TensorDiff",
    "compare",
    "direct",
    "litert",
    "onnxruntime",
    "run_engine",
    "tflm",
]
