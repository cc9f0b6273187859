"""The golden model: one NumPy function per hardware block, composed into a whole engine."""

from .array import accumulate
from .link import LinkModel
from .memories import Memories
from .program import Layer, Program, decode
from .reference import evaluate
from .requantize import requantize, rescale
from .run import load, run
from .table import apply_table

__all__ = [
    "Layer",
    "LinkModel",
    "Memories",
    "Program",
    "accumulate",
    "apply_table",
    "decode",
    "evaluate",
    "load",
    "requantize",
    "rescale",
    "run",
]
