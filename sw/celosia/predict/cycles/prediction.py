"""What is counted while the model moves."""

from dataclasses import dataclass, field

__all__ = ["LayerTimes", "Prediction"]


@dataclass
class Prediction:
    """Cycles from the first input word to the last output word, and the engine's counters.

    ``layer_cycles[i]`` are the cycles, over all runs, from the start of layer i of a run to the
    start of the next layer: they add up to the time from the first start to the last arrival.
    ``layer_issued[i]`` and ``layer_stall_drain[i]`` are what ``issued`` and ``stall_drain`` counted
    in that time.
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
    """Shares cycles and counts out among the layers, in ``out``."""

    def __init__(self, out: Prediction, layers: int):
        self.out = out
        out.layer_cycles = [0] * layers
        out.layer_issued = [0] * layers
        out.layer_stall_drain = [0] * layers
        self.started: tuple[int, int] | None = None  # (layer, cycle) of the last start
        self.noted = 0, 0  # issued and stall_drain by then

    def start(self, layer: int, now: int) -> None:
        """Layer number ``layer`` of its run starts in cycle ``now``."""
        self.end(now)
        self.started = layer, now

    def end(self, now: int) -> None:
        """What was started last ends before cycle ``now``, if it has not ended."""
        out = self.out
        if self.started is not None:
            layer, cycle = self.started
            issued, stall_drain = self.noted
            out.layer_cycles[layer] += now - cycle
            out.layer_issued[layer] += out.issued - issued
            out.layer_stall_drain[layer] += out.stall_drain - stall_drain
            self.started = None
        self.noted = out.issued, out.stall_drain
