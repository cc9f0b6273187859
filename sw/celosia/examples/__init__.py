"""Models with inputs to try Celosia on, made on the spot: nothing is shipped or downloaded."""

from .example import Example
from .recipes import RECIPES, example

__all__ = ["RECIPES", "Example", "example"]
