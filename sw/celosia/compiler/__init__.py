"""From a quantized graph to a program image for one engine."""

from .compile import compile
from .fit import check_fit, needs, smallest

__all__ = ["check_fit", "compile", "needs", "smallest"]
