"""Read ports of memories."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ReadPort"]


class ReadPort(wiring.Signature):
    """A read port as its reader sees it.

    ``data`` is the word at ``addr`` so many cycles later as the memory's documentation says,
    `celosia.spec.timing.READ_LATENCY` unless it says otherwise. There is an address in every cycle.

    Parameters
    ----------
    depth : words of the memory.
    shape : of a word.

    Members
    -------
    addr : Out(range(depth)).
    data : In(shape).
    """

    def __init__(self, depth: int, shape):
        super().__init__({"addr": Out(range(max(depth, 2))), "data": In(shape)})
