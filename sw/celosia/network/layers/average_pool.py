"""Average pooling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .pool import Pool

__all__ = ["AveragePool"]


@dataclass(frozen=True, eq=False)
class AveragePool(Pool):
    """The mean over a window, rounded half away from zero, LiteRT's AVERAGE_POOL_2D
    (``reference/integer_ops/pooling.h``).

    ``y = table[clip((sum(x) + sign(sum(x)) * (n // 2)) / n, lo, hi)]`` over the n pixels of the
    window that lie inside of the map; the division rounds towards zero, and x are the bytes as they
    are, zero point included. Parameters as in `Pool`.
    """

    kind: ClassVar[str] = "AveragePool"

    def evaluate(self, *inputs: np.ndarray) -> np.ndarray:
        (x,) = inputs
        total = np.zeros((len(x), *self.output_shape), np.int32)
        for _, _, values in self.window.taps(self._maps(x).astype(np.int32), 0):
            total += values
        n = self.window.inside(self.input_shape)[None, :, :, None]
        # C divides towards zero: the magnitude's quotient with the sum's sign.
        return self._finish(np.sign(total) * ((np.abs(total) + n // 2) // n))
