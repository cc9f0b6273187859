"""Per-channel parameters of the requantization."""

from .fields import Field, Layout
from .formats import BIAS, MULTIPLIER, SHIFT

__all__ = ["PARAMETER"]

#: One output channel. A word of parameter memory holds `Config.requantizers` of these, channel 0
#: lowest.
PARAMETER = Layout(
    "parameter",
    9,
    (
        Field("bias", BIAS.width, "folded bias, added to the accumulator", signed=True),
        Field("multiplier", MULTIPLIER.width, "mantissa of the scale factor, times 2**31"),
        Field("shift", SHIFT.width, "exponent of the scale factor, -31..30", signed=True),
    ),
)
