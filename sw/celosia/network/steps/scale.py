"""A factor and a summand for each value, on the host."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Scale"]


@dataclass(frozen=True)
class Scale:
    """``y[k] = x[k] * scale[k] + shift[k]``, computed in float64 and rounded once to float32.

    Normalization of inputs by feature, before QUANTIZE, and units of results, after DEQUANTIZE:
    one int8 scale for all would leave the smallest without bits.

    Parameters
    ----------
    scale, shift : finite, one for each value.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.shift) or not np.isfinite([*self.scale, *self.shift]).all():
            raise ValueError(
                f"{len(self.scale)} factors and {len(self.shift)} summands, or one is not finite"
            )

    @property
    def width(self) -> int:
        """How many values it takes."""
        return len(self.scale)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float [n, K] to float32 [n, K]."""
        with np.errstate(over="ignore"):
            y = np.asarray(x, np.float64) * np.array(self.scale) + np.array(self.shift)
            return y.astype(np.float32)
