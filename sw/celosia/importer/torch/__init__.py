"""PyTorch models: exported programs (``.pt2``), read without PyTorch, and modules in memory."""

from .module import from_module
from .program import torch_network

__all__ = ["from_module", "torch_network"]
