"""Integer arithmetic that layers, host steps and the golden model share.

Of the engine's blocks the MAC array, the requantizer and the element table are here.
"""
