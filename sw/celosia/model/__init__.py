"""The golden model: one NumPy function per hardware block, composed into a whole engine."""

from celosia.numerics.array import accumulate
from celosia.numerics.requantize import requantize, rescale
from celosia.numerics.table import apply_table

from .link import LinkModel
from .memories import Memories
from .program import Layer, Program, decode
from .reference import evaluate
from .run import load, run

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
