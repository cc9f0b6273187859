"""Two int8 products from one 18-bit multiplier: where they stand in its product."""

from .formats import ACTIVATION, WEIGHT

__all__ = ["OVERLAP", "PRODUCT", "SHIFT"]

#: Bits of one product.
PRODUCT = ACTIVATION.width + WEIGHT.width
#: Place of the second activation in the shared operand: as high as 18 bits allow.
SHIFT = 18 - ACTIVATION.width
#: Bits in which the two products lie over each other.
OVERLAP = PRODUCT - SHIFT
