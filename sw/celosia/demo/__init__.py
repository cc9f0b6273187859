"""Handwritten digits to train and measure on: MNIST, or bundled digits without a network.

`load_mnist` is the entry point; the other modules are its steps.
"""

from .dataset import Dataset, scaled
from .mnist import load_mnist

__all__ = ["Dataset", "load_mnist", "scaled"]
