"""PyTorch models: exported programs (``.pt2``), read without PyTorch, and modules in memory."""

from celosia.importer.torch.module import from_module
from celosia.importer.torch.program import torch_network

__all__ = ["from_module", "torch_network"]
