"""Which mutants are the engine itself: proofs by SAT on the two netlists.

Both have the same inputs. Memories are cut out of both: their read data are free and the same, so
what their ports are given must be the same, as the pins must, but for bits that no pin ever depends
on. A proof is one of

- ``structure``: no output and no register that an output ever depends on has another function.
- ``step``: none of them has another value in any state in which the constant registers have their
  value.
- ``induction k``: the same in any state that follows k such states without a difference, and in the
  first k cycles.
- ``apart k``: some registers differ, but no output does. Starting from any values in these, the
  outputs and all other registers have been the same for k cycles, and are in the next one; and so
  they are in the first cycles, in which nothing differs at first.

All hold for an unlimited time, and for any contents of the memories. A register is constant when a
simulation of three values from the initial ones on, with unknown inputs, never changes it.
"""

import time
from dataclasses import dataclass

from pysat.solvers import Glucose4

from .design import Mutant
from .netlist import FALSE, TRUE, Graph, Netlist
from .sat import clauses, dimacs

__all__ = ["Prover"]


@dataclass
class _Frame:
    """A cycle of the engine without a mutation: literals of everything."""

    values: dict


class Prover:
    """Proves mutants of one netlist equal to the engine.

    Parameters
    ----------
    netlist : of `design.gates`.
    frames : cycles k that an induction looks back, at most.
    conflicts : of the solver for each question, after which it counts as unanswered.
    seconds : of a thread's time for each mutant, after which there is no proof of it.
    """

    def __init__(
        self, netlist: Netlist, frames: int = 2, conflicts: int = 10_000, seconds: float = 5
    ):
        self.netlist, self.frames, self.conflicts = netlist, frames, conflicts
        self.seconds, self._until = seconds, 0.0
        self.graph = Graph()
        # One solver for all questions: it keeps what it has learned of the engine.
        self._solver, self._told = Glucose4(), {0}
        self._solver.add_clause([-1])  # variable 1 is node 0, which is false
        self._live, self._outputs = netlist.live()
        self._constants = netlist.constants()
        state = {
            q: self._constants.get(q) if q in self._constants else self.graph.variable()
            for q in netlist.registers
        }
        self._any = [self._frame(state)]
        first = {
            q: self.graph.variable() if value is None else value
            for q, (_, value) in netlist.registers.items()
        }
        self._first = [self._frame(first)]

    def prove(self, mutant: Mutant) -> str | None:
        """How it is the same as the engine, or None when there is no proof of it."""
        self._until = time.thread_time() + self.seconds
        choice = {self.netlist.choice[mutant.number]: TRUE}
        pairs = self._pairs(self._any[0], self._changed(self._any[0], choice))
        if not pairs:
            return "structure"
        if self._never([], pairs):
            return "step"
        history: list = []
        for k in range(1, self.frames + 1):
            history.append(
                self._pairs(self._at(self._any, k - 1), self._of(self._any, k - 1, choice))
            )
            now = self._pairs(self._at(self._any, k), self._of(self._any, k, choice))
            if self._never(history, now):
                begin = [
                    self._pairs(self._at(self._first, n), self._of(self._first, n, choice))
                    for n in range(k)
                ]
                if all(self._never([], each) for each in begin):
                    return f"induction {k}"
        return self._apart(choice)

    def _apart(self, choice: dict[int, int]) -> str | None:
        """Some registers of their own: those in which one step from equal states differs, and so
        on, unless an output does."""
        registers, k = self.netlist.registers, self.frames
        own: set[int] = set()
        for _ in range(40):
            # The mutant's own registers have any value in the first cycle.
            state = {q: self.graph.variable() for q in sorted(own)}
            history, grown = [], False
            for n in range(k + 1):
                frame = self._at(self._any, n)
                found = self.netlist.changed(self.graph, frame.values, choice | state)
                pairs = [(a, b) for a, b in self._sinks(frame, found, own) if a != b]
                if n < k:
                    history.append(pairs)
                next_state = {}
                for q in own:
                    d = registers[q][0]
                    next_state[q] = found.get(d, frame.values[d])
                if n == k:
                    if self._never(history, pairs):
                        return self._apart_begins(choice, own, k)
                    outputs = [
                        (frame.values[o], found.get(o, frame.values[o])) for o in self._outputs
                    ]
                    if not self._never(history, [(a, b) for a, b in outputs if a != b]):
                        return None
                    for q in sorted(self._live - own):
                        d = registers[q][0]
                        a, b = frame.values[d], found.get(d, frame.values[d])
                        if a != b and not self._never(history, [(a, b)]):
                            own.add(q)
                            grown = True
                state = next_state
            if not grown or len(own) > 400 or time.thread_time() > self._until:
                return None
        return None

    def _apart_begins(self, choice: dict[int, int], own: set[int], k: int) -> str | None:
        state: dict[int, int] = {}
        for n in range(k):
            frame = self._at(self._first, n)
            found = self.netlist.changed(self.graph, frame.values, choice | state)
            pairs = [(a, b) for a, b in self._sinks(frame, found, own) if a != b]
            if not self._never([], pairs):
                return None
            d = {q: self.netlist.registers[q][0] for q in own}
            state = {q: found.get(bit, frame.values[bit]) for q, bit in d.items()}
        return f"apart {k}, {len(own)} registers"

    def _sinks(self, frame: _Frame, found: dict, own: set[int]) -> list[tuple[int, int]]:
        bits = [*self._outputs]
        bits += [self.netlist.registers[q][0] for q in self._live - own]
        return [(frame.values[bit], found[bit]) for bit in bits if bit in found]

    def _frame(self, state: dict[int, int]) -> _Frame:
        values: dict = dict(state)
        for bit in self.netlist.inputs:
            values[bit] = self.graph.variable()
        for bit in self.netlist.choice.values():
            values[bit] = FALSE
        self.netlist.evaluate(self.graph, values)
        return _Frame(values)

    def _at(self, frames: list[_Frame], n: int) -> _Frame:
        while len(frames) <= n:
            values = frames[-1].values
            frames.append(
                self._frame({q: values[d] for q, (d, _) in self.netlist.registers.items()})
            )
        return frames[n]

    def _of(self, frames: list[_Frame], n: int, choice: dict[int, int]) -> dict:
        return self._changed(self._at(frames, n), choice)

    def _changed(self, frame: _Frame, choice: dict[int, int]) -> dict:
        return self.netlist.changed(self.graph, frame.values, choice)

    def _pairs(self, frame: _Frame, found: dict) -> list[tuple[int, int]]:
        return sorted({(a, b) for a, b in self._sinks(frame, found, set()) if a != b})

    def _never(self, same: list[list[tuple[int, int]]], differ: list[tuple[int, int]]) -> bool:
        """Whether none of ``differ`` can differ where no pair of ``same`` does."""
        if not differ:
            return True
        if time.thread_time() > self._until:
            return False
        goals = [self.graph.differ(a, b) for a, b in differ]
        equal = [self.graph.differ(a, b) ^ 1 for pairs in same for a, b in pairs]
        if FALSE in equal:
            return True
        for clause in clauses(self.graph, self._told, [*goals, *equal]):
            self._solver.add_clause(clause)
        # The question is asked only with this literal, and never again.
        asked = dimacs(self.graph.variable())
        self._solver.add_clause([-asked, *map(dimacs, goals)])
        self._solver.conf_budget(self.conflicts)
        answer = self._solver.solve_limited(assumptions=[asked, *map(dimacs, equal)])
        self._solver.add_clause([-asked])
        return answer is False
