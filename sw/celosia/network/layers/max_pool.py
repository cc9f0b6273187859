"""Maximum pooling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .pool import Pool

__all__ = ["MaxPool"]


@dataclass(frozen=True, eq=False)
class MaxPool(Pool):
    """The largest value of a window, LiteRT's MAX_POOL_2D (``reference/integer_ops/pooling.h``).

    ``y = table[clip(max(x), lo, hi)]`` over the pixels of the window that lie inside of the map.
    Parameters as in `Pool`.
    """

    kind: ClassVar[str] = "MaxPool"

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        # Outside is the smallest value: every window has a pixel inside.
        largest = np.full((len(x), *self.output_shape), -128, np.int8)
        for _, _, values in self.window.taps(self._maps(x), -128):
            np.maximum(largest, values, out=largest)
        return self._finish(largest)
