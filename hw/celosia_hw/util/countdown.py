"""A loop whose number of passes is a signal, and that knows a cycle ahead when it ends."""

from amaranth import *

__all__ = ["Countdown"]


class Countdown:
    """Counts passes of a loop down, and starts over.

    Parameters
    ----------
    shape : of the number of passes.
    name : of its registers.

    Attributes
    ----------
    ends : 1 in the last pass; a register, so that nothing waits for a comparison.
    """

    def __init__(self, shape, *, name: str):
        self._count = Signal(shape, name=f"{name}_count")
        self._left = Signal(shape, name=f"{name}_left")
        self._single = Signal(name=f"{name}_single")
        self.ends = Signal(name=f"{name}_ends")

    def start(self, count: Value) -> list:
        """Statements for a clock edge: the first of ``count`` passes begins, at least 1."""
        single = count == 1
        return [
            self._count.eq(count),
            self._left.eq(count),
            self._single.eq(single),
            self.ends.eq(single),
        ]

    def step(self) -> list:
        """Statements for a clock edge: the next pass begins."""
        return [
            self._left.eq(Mux(self.ends, self._count, self._left - 1)),
            self.ends.eq(Mux(self.ends, self._single, self._left == 2)),
        ]
