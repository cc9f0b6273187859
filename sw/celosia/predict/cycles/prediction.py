"""What is counted while the model moves."""

from collections import deque
from dataclasses import dataclass, field

__all__ = ["LayerTimes", "Prediction"]


@dataclass
class Prediction:
    """Cycles from the first input word to the last output word, and the engine's counters.

    ``layer_cycles[i]`` are the cycles, over all runs, in which layer i of a run was the one of the
    walker: from its start, or from the last k of the layer before if that is later, to its own last
    k, or to its last arrival if no other layer has been started. They add up to the time from the
    first start to the last arrival. ``layer_issued[i]`` and ``layer_stall_drain[i]`` are what
    ``issued`` and ``stall_drain`` counted in that time: its own k, and its own stalls.
    """

    cycles: int = 0
    busy: int = 0
    issued: int = 0
    skipped: int = 0
    stall_input: int = 0
    stall_output: int = 0
    stall_drain: int = 0
    stall_data: int = 0
    images: int = 0
    layer_cycles: list[int] = field(default_factory=list)
    layer_issued: list[int] = field(default_factory=list)
    layer_stall_drain: list[int] = field(default_factory=list)


class LayerTimes:
    """Shares cycles and counts out among the layers, in ``out``.

    ``layer`` is the one that cycles are charged to, from cycle ``since`` on; None while no layer is
    in flight. It is ``walked`` once its last k was issued. ``started`` are those after it.
    """

    def __init__(self, out: Prediction, layers: int):
        self.out = out
        out.layer_cycles = [0] * layers
        out.layer_issued = [0] * layers
        out.layer_stall_drain = [0] * layers
        self.started: deque[int] = deque()
        self.layer: int | None = None
        self.since, self.walked = 0, False
        self.noted = 0, 0  # issued and stall_drain by then

    def start(self, layer: int, now: int) -> None:
        """Layer number ``layer`` of its run starts in cycle ``now``."""
        self.started.append(layer)
        if self.layer is None or self.walked:
            self._next(now)

    def walk_ends(self, now: int) -> None:
        """The last k of the oldest layer that had any left is issued in cycle ``now``."""
        self.walked = True
        if self.started:
            self._next(now + 1)

    def end(self, now: int) -> None:
        """No layer is in flight from cycle ``now`` on."""
        self._next(now)

    def _next(self, now: int) -> None:
        """Charge what was counted before cycle ``now``, and go on to the next layer."""
        out = self.out
        issued, stall_drain = self.noted
        if self.layer is not None:
            out.layer_cycles[self.layer] += now - self.since
            out.layer_issued[self.layer] += out.issued - issued
            out.layer_stall_drain[self.layer] += out.stall_drain - stall_drain
        self.noted = out.issued, out.stall_drain
        self.layer = self.started.popleft() if self.started else None
        self.since, self.walked = now, False
