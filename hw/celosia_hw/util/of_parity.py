"""What is held of two layers, and which of them is meant."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import data

__all__ = ["of_parity"]


def of_parity(both: Sequence[data.View], parity: Value) -> data.View:
    """The one of ``both`` that is held of the layer of this ``parity``."""
    even, odd = both
    return data.View(even.shape(), Mux(parity, odd.as_value(), even.as_value()))
