"""Softmax of reals on the host, for models that came as float."""

from dataclasses import dataclass

import numpy as np

__all__ = ["FloatSoftmax"]


@dataclass(frozen=True)
class FloatSoftmax:
    """``y = exp(x - max) / sum(exp(x - max))`` over the last axis, or its logarithm.

    Float32, not int8: equal probabilities appear only for equal inputs, so the argmax of the
    engine's bytes is the argmax of the result.

    Parameters
    ----------
    log : give ``x - max - log(sum(exp(x - max)))`` instead.
    """

    log: bool = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float [n, N] to float32 [n, N]; computed in float64."""
        x = x.astype(np.float64) - x.max(axis=-1, keepdims=True)
        total = np.exp(x).sum(axis=-1, keepdims=True)
        return (x - np.log(total) if self.log else np.exp(x) / total).astype(np.float32)
