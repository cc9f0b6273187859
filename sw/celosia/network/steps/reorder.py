"""Values in another order, on the host."""

from dataclasses import dataclass
from math import prod

import numpy as np

__all__ = ["Reorder"]


@dataclass(frozen=True)
class Reorder:
    """An array's axes in another order, such as channels first to channels last.

    Parameters
    ----------
    shape : of one image as it is. axes : its axes in the order of the result.
    dtype : of the values: "int8", "uint8" or "float32".
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if sorted(self.axes) != list(range(len(self.shape))) or min(self.shape, default=0) < 1:
            raise ValueError(f"axes {list(self.axes)} of {list(self.shape)}")

    @property
    def from_dtype(self) -> str:
        return self.dtype

    @property
    def width(self) -> int:
        """How many values it takes."""
        return prod(self.shape)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[n, K] to [n, K] of the same type."""
        maps = x.reshape(len(x), *self.shape)
        return maps.transpose(0, *(axis + 1 for axis in self.axes)).reshape(len(x), -1)
