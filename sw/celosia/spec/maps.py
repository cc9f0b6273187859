"""Widths of what counts in the maps of engines with convolution; all of it wraps."""

__all__ = ["ADDRESS_BITS", "COORDINATE_BITS", "NEED_BITS"]

#: Addresses in a row's activations, and numbers of words of a map.
ADDRESS_BITS = 16
#: Coordinates y and x of a pixel.
COORDINATE_BITS = 9
#: Words of the layer before that a step waits for; they do not wrap but stay at the largest number.
NEED_BITS = 17
