"""The engine that moves the blocks of the cycle model."""

from collections.abc import Sequence

from celosia.spec import REQUEST, TRAILER, Config, Memory, ceil_div, record

from .drain import Drain
from .load import NEVER, RunLoad
from .origins import Origins
from .prediction import LayerTimes, Prediction
from .receiver import Receiver
from .responder import Responder
from .scanner import Scanner
from .sequencer import Sequencer
from .walker import Walker

__all__ = ["predict"]


def predict(config: Config, runs: Sequence[RunLoad]) -> Prediction:
    """The prediction for ``runs`` of one program sent back to back to an idle engine."""
    return _Engine(config, runs).go()


class _Engine:
    """The control of the engine, block by block as in `celosia_hw`.

    `_cycle` is one clock cycle: the blocks are visited against the flow of data, so that each sees
    its neighbours as they were at the clock edge, except where the hardware has a combinational
    path. `_rest` then skips the cycles in which nothing but counting would happen.
    """

    def __init__(self, config: Config, runs: Sequence[RunLoad]):
        self.runs, self.out, self.now = runs, Prediction(), 0
        header, trailer = (
            ceil_div(layout.size, config.link_bytes) for layout in (REQUEST, TRAILER)
        )
        words = record(config, Memory.ACTIVATIONS).words
        self.times = LayerTimes(self.out, max((len(run.layers) for run in runs), default=0))
        self.receiver = Receiver(runs, header, words)
        self.sequencer = Sequencer(self.times)
        windows = bool(config.convolution)
        self.scanner = Scanner(self.sequencer.blocks, self.out, windows)
        self.walker = Walker(self.scanner.segments, self.out)
        self.origins = Origins() if windows else None
        self.drain = Drain(config, self.out)
        self.responder = Responder(words, trailer)
        self.told = False, False  # a result was taken, a response has been sent, a cycle ago

    def go(self) -> Prediction:
        while self.responder.answered < len(self.runs):
            self._cycle()
            self._rest()
        # `now` is the cycle after the trailer's last word, which reaches the pin one later, through
        # output register and skid buffer; the first input word was taken in cycle 0.
        self.out.cycles = self.now + 2
        return self.out

    def _cycle(self) -> None:
        now, sequencer, scanner, drain = self.now, self.sequencer, self.scanner, self.drain
        arrival = drain.arrival(now)
        layer_done = arrival is not None and arrival.layer_end
        busy = len(sequencer.in_flight) > 0

        (taken, answered), self.told = self.told, self.responder.cycle(now)
        free = drain.free(now)
        shift = drain.cycle(now)
        level = len(scanner.segments)
        origins, pixel_ends = self.origins, self.walker.ended
        claim = self.walker.cycle(free, origins is None or origins.ready(pixel_ends))
        if self.walker.layer_ended:
            self.times.walk_ends(now)
        scanned = scanner.cycle(level)
        start = sequencer.cycle(now, scanner.ready and (origins is None or origins.idle))
        scanner.take(start.load if start else None, scanned)
        run = self.receiver.cycle(now, arrival is not None and arrival.stored)
        if run:
            sequencer.queue.append(run)
            self.out.images += run.images

        # What the clock edge makes visible.
        run_done = layer_done and sequencer.in_flight[0].last
        if arrival:
            sequencer.arrive(now, arrival.word_end, arrival.layer_end)
            if arrival.to_host:
                self.responder.arrive(now, arrival.frame_end)
        if start:
            sequencer.in_flight.append(start)
        if origins is not None:
            origins.edge(pixel_ends, start)
        drain.edge(now, start, claim, drain.shifted - taken)
        drain.shifted = shift
        self.receiver.edge(run is not None, answered, run_done)
        if busy:
            self.out.busy += 1
        else:
            self.out.stall_input += self.receiver.receiving(now, now + 1)
        self.now += 1

    def _rest(self) -> None:
        """Skip cycles in which the walker only walks or waits, and no other block moves."""
        now, sequencer, scanner = self.now, self.sequencer, self.scanner
        if self.responder.moves() or any(self.told) or scanner.moves():
            return
        if self.origins is not None and self.origins.moves(self.walker.ended):
            return
        if self.drain.moves(now) or self.walker.moves() or sequencer.sees_a_run():
            return
        events = [self.drain.next_event(), self.walker.next_event(now), self.receiver.next_event()]
        if scanner.waiting is None:
            events.append(sequencer.next_event())
        span = min(events) - now
        if span <= 0 or span > NEVER // 2:
            return
        self.walker.walk(span)
        if sequencer.in_flight:
            self.out.busy += span
        else:
            self.out.stall_input += self.receiver.receiving(now, now + span)
        if scanner.waiting is not None and scanner.blocked:
            self.out.stall_data += span
        self.now += span
