"""The receiver: takes frames of runs from the link and puts their input into a bank."""

from collections.abc import Sequence

from celosia.spec.timing import MAX_OUTSTANDING

from .load import NEVER, RunLoad

__all__ = ["Receiver"]

#: From the link's last header word, through COUNT, COMPARE and CHECK, to DECIDE.
_TO_DECIDE = 4


class Receiver:
    """Receives ``runs``, each a header of ``header`` link words and, for every activation word of
    every image, ``record`` link words.

    The frame of ``runs[rx]`` is coming. DECIDE looks at its header from cycle ``decide`` on; of its
    activation words ``puts`` are left, the next due in cycle ``put``. The link's first word is seen
    one cycle after the pin (skid buffer).
    """

    def __init__(self, runs: Sequence[RunLoad], header: int, record: int):
        self.runs, self.header, self.record = runs, header, record
        self.rx, self.decide = 0, header + _TO_DECIDE
        self.put, self.puts = NEVER, 0
        self.receiving_from = self.receiving_to = 0  # cycles in which an input is received
        self.outstanding = self.banks_used = 0

    def cycle(self, now: int, results_stored: bool) -> RunLoad | None:
        """Returns the run whose input is complete.

        ``results_stored`` : a result is written to activation memory in this cycle.
        """
        if self.rx == len(self.runs):
            return None
        run = self.runs[self.rx]
        if not self.puts:
            if now < self.decide or self.banks_used == 2:
                return None
            if self.outstanding == MAX_OUTSTANDING:
                return None
            self.puts = run.images * run.input_words
            self.put = now + 1 + self.record
            self.receiving_from = now + 1
            self.receiving_to = self.put + (self.puts - 1) * self.record
            return None
        if results_stored:
            # Results go first: a word due in this cycle waits, and all later ones with it.
            self._catch_up(now)
            if self.put == now:
                self.put += 1
                if self.puts > 1:
                    self.receiving_to += 1
            return None
        if now < self._last_put():
            return None
        self.puts, self.put = 0, NEVER
        self.rx, self.decide = self.rx + 1, now + self.header + _TO_DECIDE
        return run

    def edge(self, committed: bool, answered: bool, run_done: bool) -> None:
        """A run was taken; a response has been sent; a run has been computed."""
        self.outstanding += committed - answered
        self.banks_used += committed - run_done

    def receiving(self, start: int, end: int) -> int:
        """Of the cycles ``start`` to ``end - 1``, those in which an input is received."""
        return max(0, min(end, self.receiving_to) - max(start, self.receiving_from))

    def next_event(self) -> int:
        """The cycle in which it next does more than count words."""
        if self.puts:
            return self._last_put()
        waits = self.rx == len(self.runs) or self.banks_used == 2
        return NEVER if waits else self.decide

    def _last_put(self) -> int:
        return self.put + (self.puts - 1) * self.record

    def _catch_up(self, now: int) -> None:
        """Account for the words put before cycle ``now``."""
        if self.put < now:
            done = min(self.puts - 1, (now - 1 - self.put) // self.record + 1)
            self.puts -= done
            self.put += done * self.record
