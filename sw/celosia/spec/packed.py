"""Two int8 products from one 18-bit multiplier: their places, and who has the multipliers."""

from .config import Config
from .formats import ACTIVATION, WEIGHT
from .integers import ceil_div

__all__ = ["MULTIPLIERS", "OVERLAP", "PRODUCT", "SHIFT", "lut_columns", "requantizer_multipliers"]

#: Bits of one product.
PRODUCT = ACTIVATION.width + WEIGHT.width
#: Place of the second activation in the shared operand: as high as 18 bits allow.
SHIFT = 18 - ACTIVATION.width
#: Bits in which the two products lie over each other.
OVERLAP = PRODUCT - SHIFT
#: 18-bit multipliers of the largest ECP5, the LFE5U-85F.
MULTIPLIERS = 156


def requantizer_multipliers(config: Config) -> int:
    """18-bit multipliers that the requantizers take: four products of 16 bits each."""
    return 4 * config.requantizers


def lut_columns(config: Config) -> int:
    """Columns of the array, the last ones, whose products are made of LUTs.

    The requantizers and the pairs of all other columns have `MULTIPLIERS`. A pair of LUTs takes
    less logic than a requantizer's product. At most ``cols``: an engine of still more multipliers
    fits no device.
    """
    of_column = ceil_div(config.rows, 2)
    short = config.cols * of_column + requantizer_multipliers(config) - MULTIPLIERS
    return min(max(ceil_div(short, of_column), 0), config.cols)
