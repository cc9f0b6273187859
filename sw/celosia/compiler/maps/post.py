"""What follows the sums of a kernel: requantization, clamp and table."""

import numpy as np

from celosia.spec import OFFSET, Rounding

from .staircase import Factor

__all__ = ["IDENTITY", "Post", "offset"]

#: Hands a sum on as it is.
IDENTITY = Factor(0, 1 << 30, 1, 0)


class Post:
    """What follows a kernel's sums, per channel.

    Parameters
    ----------
    bias : int64 [C], folded. multiplier, shift : int64 [C].
    rounding, zero_point, clamp, table : see `Kernel`; bytes in offset binary.
    """

    def __init__(
        self,
        bias: np.ndarray,
        multiplier: np.ndarray,
        shift: np.ndarray,
        rounding: Rounding,
        zero_point: int,
        clamp: tuple[int, int] = (0, 255),
        table: bytes | None = None,
    ):
        self.channels = {"bias": bias, "multiplier": multiplier, "shift": shift}
        self.common = {
            "rounding": rounding,
            "zero_point": zero_point,
            "clamp": clamp,
            "table": table,
        }

    @classmethod
    def of(
        cls,
        factor: Factor,
        channels: int,
        clamp: tuple[int, int] = (0, 255),
        table: bytes | None = None,
    ) -> "Post":
        """The same factor for all channels."""
        values = (factor.bias, factor.multiplier, factor.shift)
        bias, multiplier, shift = (np.full(channels, value, np.int64) for value in values)
        return cls(bias, multiplier, shift, Rounding.SINGLE, factor.zero_point, clamp, table)

    def at(self, places: np.ndarray, size: int) -> dict:
        """Parameters of `Kernel` for channels at ``places`` of ``size``; the others are 0."""
        spread = {}
        for name, values in self.channels.items():
            spread[name] = np.zeros(size, np.int64)
            spread[name][places] = values
        return spread | self.common


def offset(clamp: tuple[int, int]) -> tuple[int, int]:
    """A clamp in offset binary."""
    return clamp[0] + OFFSET, clamp[1] + OFFSET
