"""A PyTorch module of one function."""

from collections.abc import Callable

import numpy as np

__all__ = ["module_of"]


def module_of(forward: Callable):
    """The module whose result is ``forward(torch, x, w, b, k)``, in evaluation mode.

    It has buffers of random numbers: w [12, 6], b [6], and k [3, 2, 1, 1], the kernel of a
    convolution.
    """
    import torch

    rng = np.random.default_rng(11)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for key, shape in (("w", (12, 6)), ("b", (6,)), ("k", (3, 2, 1, 1))):
                value = rng.normal(0, 0.5, shape).astype(np.float32)
                self.register_buffer(key, torch.tensor(value))

        def forward(self, x):
            return forward(torch, x, self.w, self.b, self.k)

    return Module().eval()
