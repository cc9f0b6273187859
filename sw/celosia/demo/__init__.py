"""Handwritten digits to train and measure on: MNIST, or bundled digits where there is no network.

`load_mnist` is the way in; the other modules are the steps it takes.
"""

from .dataset import Dataset, scaled
from .mnist import load_mnist

__all__ = ["Dataset", "load_mnist", "scaled"]
