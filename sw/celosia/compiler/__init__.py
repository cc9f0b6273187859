"""From a quantized graph to a program image for one engine."""

from .capacity import check_fit, needs, smallest
from .compile import compile
from .operations import lacking

__all__ = ["check_fit", "compile", "lacking", "needs", "smallest"]
