"""Tensors of a float model while an importer walks it; what they are made of becomes the graph."""

from .assemble import assemble
from .base import Base
from .value import MAX_WIDTH, Value
from .walk import Walk, in_layout

__all__ = ["MAX_WIDTH", "Base", "Value", "Walk", "assemble", "in_layout"]
