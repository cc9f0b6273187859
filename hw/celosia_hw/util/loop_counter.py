"""A counter that knows a cycle ahead when it is at its last value."""

from amaranth import *

__all__ = ["LoopCounter"]


class LoopCounter:
    """Counts ``0 .. count - 1`` and starts over.

    Parameters
    ----------
    count : number of values, at least 1.
    name : of its registers.

    Attributes
    ----------
    value : the count.
    ends : 1 while ``value`` is ``count - 1``; a register, so that nothing waits for a comparison.

    Raises
    ------
    ValueError : ``count`` is below 1.
    """

    def __init__(self, count: int, *, name: str):
        if count < 1:
            raise ValueError(f"count = {count} is below 1")
        self.count = count
        self.value = Signal(range(count), name=name)
        self.ends = Signal(init=count == 1, name=f"{name}_ends")

    def step(self) -> list:
        """Statements for a clock edge: go to the next value."""
        return [
            self.value.eq(Mux(self.ends, 0, self.value + 1)),
            self.ends.eq(Mux(self.ends, self.count == 1, self.value == self.count - 2)),
        ]
