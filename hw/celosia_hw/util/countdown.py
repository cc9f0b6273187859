"""A loop whose number of passes is a signal, and that knows a cycle ahead when it ends."""

from amaranth import *

__all__ = ["Countdown", "LineCountdown"]


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
        count, single = self._again()
        return [
            self._left.eq(Mux(self.ends, count, self._left - 1)),
            self.ends.eq(Mux(self.ends, single, self._left == 2)),
        ]

    def _again(self) -> tuple[Value, Value]:
        """Passes of the loop that starts over, and whether there is only one."""
        return self._count, self._single


class LineCountdown(Countdown):
    """A loop within the passes of ``lines``: it has one number of passes in the first pass of
    ``lines``, and another number in all later ones.

    Parameters
    ----------
    shape, name : see `Countdown`.
    lines : steps in the same cycle in which this one starts over.
    """

    def __init__(self, shape, lines: Countdown, *, name: str):
        super().__init__(shape, name=name)
        self._lines = lines
        self._rest = Signal(shape, name=f"{name}_rest")
        self._rest_single = Signal(name=f"{name}_rest_single")

    def start(self, count: Value, rest: Value) -> list:
        """Statements for a clock edge: the first of ``count`` passes begins; ``rest`` is their
        number in later passes of ``lines``. Both are at least 1."""
        return [*super().start(count), self._rest.eq(rest), self._rest_single.eq(rest == 1)]

    def _again(self) -> tuple[Value, Value]:
        # After the last line is the first one.
        first = self._lines.ends
        return (
            Mux(first, self._count, self._rest),
            Mux(first, self._single, self._rest_single),
        )
