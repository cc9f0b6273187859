"""From a quantized graph to a program image for one engine."""

from .capacity import check_fit, needs, smallest
from .compile import compile

__all__ = ["check_fit", "compile", "needs", "smallest"]
