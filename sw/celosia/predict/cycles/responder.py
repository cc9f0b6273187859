"""The responder: sends results and, after a run's last one, its trailer."""

from collections import deque

__all__ = ["Responder"]

#: A result can be read this many cycles after its arrival (queue, skid buffer).
_TO_READ = 3


class Responder:
    """Sends every result as ``record`` link words and ends a run's frame with ``trailer`` words."""

    def __init__(self, record: int, trailer: int):
        self.record, self.trailer = record, trailer
        self.results: deque[tuple[int, bool]] = deque()  # (readable from, frame end)
        self.state, self.words, self.answered = "IDLE", 0, 0

    def arrive(self, now: int, frame_end: bool) -> None:
        """A result arrives in cycle ``now``."""
        self.results.append((now + _TO_READ, frame_end))

    def cycle(self, now: int) -> tuple[bool, bool]:
        """Returns (a result was taken, a response has been sent)."""
        readable = self.results and self.results[0][0] <= now
        if self.state == "IDLE":
            if readable:
                self.state = "RESULTS"
            return False, False
        if self.state == "RESULTS":
            if not readable:
                return False, False
            self.words += 1
            if self.words < self.record:
                return False, False
            self.words = 0
            if self.results.popleft()[1]:
                self.state = "CLOSE"
            return True, False
        if self.state == "CLOSE":
            self.state = "TRAILER"
            return False, False
        self.words += 1
        if self.words < self.trailer:
            return False, False
        self.state, self.words = "IDLE", 0
        self.answered += 1
        return False, True

    def moves(self) -> bool:
        """Whether it has anything to send."""
        return bool(self.results) or self.state != "IDLE"
