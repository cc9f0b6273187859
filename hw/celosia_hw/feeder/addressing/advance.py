"""From the origin of a window to that of another one."""

from amaranth import *
from amaranth.lib import data

from celosia_hw.layouts import origin

__all__ = ["Advance"]


class Advance:
    """A step added to an origin, and a wrap when x has gone beyond the last window of a line.

    ``y + step_y``, ``x + step_x``, ``address + step_address``; if ``x + step_x > x_last`` the wrap
    is added too. Coordinates modulo 512, addresses modulo 2**16.

    Parameters
    ----------
    name : of its registers.
    """

    def __init__(self, *, name: str):
        # Beyond this x the step wraps.
        self._limit = Signal(signed(11), name=f"{name}_limit")
        self._step = Signal(origin(), name=f"{name}_step")
        self._wrapped = Signal(origin(), name=f"{name}_wrapped")

    def load(self, window: data.View, y: Value, x: Value, address: Value) -> list:
        """Statements for a clock edge: the step is (y, x, address), the wrap that of ``window``, a
        descriptor's part."""
        return [
            self._limit.eq(window.x_last - x),
            self._step.y.eq(y),
            self._step.x.eq(x),
            self._step.address.eq(address),
            self._wrapped.y.eq(y + window.wrap_y),
            self._wrapped.x.eq(x + window.wrap_x),
            self._wrapped.address.eq(address + window.wrap_bytes),
        ]

    def of(self, here: data.View) -> Value:
        """The origin after ``here``, combinational."""
        # Both sums are ready when the comparison is: one of them is chosen last.
        wraps = here.x > self._limit
        return Cat(
            Mux(wraps, here[field] + self._wrapped[field], here[field] + self._step[field])[
                : len(Value.cast(here[field]))
            ]
            for field, _ in origin()
        )
