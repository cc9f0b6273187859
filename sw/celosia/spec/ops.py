"""The operations of an engine."""

from enum import IntEnum

__all__ = ["Op"]


class Op(IntEnum):
    """What a layer computes."""

    #: acc[n] = sum over k of u[k] * w[k][n]: of engines with dense layers only.
    DENSE = 1
    #: acc[n] = sum over taps and their channels of u * w[n], for each pixel of a map. A dense layer
    #: is one whose kernel is the whole map.
    CONVOLUTION = 2
    #: acc[c] = sum over taps of u[c] * w[c], for each pixel of a map: each channel of its own.
    DEPTHWISE = 3
