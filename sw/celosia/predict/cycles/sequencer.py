"""The sequencer: starts the layers of the runs, at most two in flight, and knows their hazards."""

from collections import deque

from celosia.spec.timing import READ_LATENCY

from .load import NEVER, ActiveLayer, RunLoad
from .prediction import LayerTimes

__all__ = ["Sequencer"]

#: From seeing a run, or from starting a layer, through FETCH and CHECK, to START.
_TO_START = READ_LATENCY + 3


class Sequencer:
    """Walks the layers of the runs in ``queue``.

    The next layer, ``layer`` of ``queue[0]``, can start in cycle ``ready``. Of the older layer
    in flight ``stored`` words have arrived.
    """

    def __init__(self, times: LayerTimes):
        self.times = times
        self.queue: deque[RunLoad] = deque()
        self.layer, self.ready = 0, NEVER
        self.in_flight: deque[ActiveLayer] = deque()
        self.stored = 0

    def cycle(self, now: int, scanner_ready: bool) -> ActiveLayer | None:
        """Start the next layer when all are ready for it; returns it."""
        if self.ready == NEVER:
            if self.queue:
                # The run is seen, then its descriptor is fetched and read.
                self.ready = now + _TO_START
            return None
        if now < self.ready or not scanner_ready or len(self.in_flight) == 2:
            return None
        run = self.queue[0]
        load, last = run.layers[self.layer], self.layer == len(run.layers) - 1
        self.times.start(self.layer, now)
        self.layer, self.ready = self.layer + 1, now + _TO_START
        if last:
            self.queue.popleft()
            self.layer, self.ready = 0, NEVER
        return ActiveLayer(load, last, run.images)

    def arrive(self, now: int, word_end: bool, layer_end: bool) -> None:
        """A word of the older layer, or its last one, has arrived in cycle ``now``."""
        self.stored += word_end
        if layer_end:
            self.in_flight.popleft()
            self.stored = 0
            if not self.in_flight:
                self.times.end(now + 1)

    def blocks(self, need: int) -> bool:
        """Whether the older of two layers in flight has stored fewer than ``need`` words."""
        return len(self.in_flight) == 2 and need > self.stored

    def sees_a_run(self) -> bool:
        """Whether it is about to fetch the first layer of a run."""
        return self.ready == NEVER and bool(self.queue)

    def next_event(self) -> int:
        """The cycle in which it can next start a layer, if the scanner is ready."""
        return self.ready if len(self.in_flight) < 2 else NEVER
