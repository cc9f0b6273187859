"""Which mutants are the engine itself because the states in which they differ are never reached.

A proof that fails shows a state in which a mutant differs. If the registers that matter never had
these values together in a long run, most likely they never do, and this is proven: a cube of values
is excluded when it does not hold at first and no state outside of all excluded cubes leads into it,
for any inputs and contents of the memories. A state that does is another cube to exclude, together
with the first one. So the cubes are inductive together: none of them is ever reached.

This is IC3 (Bradley, "SAT-Based Model Checking without Unrolling", VMCAI 2011) with one frame, and
with the states of runs to generalize a cube by.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pysat.solvers import Glucose4

from .design import Mutant
from .netlist import FALSE, TRUE, Graph, Netlist
from .sat import clauses, dimacs

__all__ = ["Cube", "ReachProver"]

#: Registers, each with its value; sorted.
Cube = tuple[tuple[int, int], ...]

#: Questions for cubes that are proven together, at most.
_STEPS = 1000
#: Ways to make a cube general.
_TRIES = 6
_CONFLICTS = 20_000


@dataclass(eq=False)
class _Guess:
    """A cube that is assumed not to hold.

    Parameters
    ----------
    cube : the values.
    whole : what it was made of; with all of its values it excludes least.
    chosen : the solver's variable for it.
    of : the one that it leads into, and is there to prove; None of the first one.
    more : values by each of which ``of`` would exclude less, and would not follow it.
    """

    cube: Cube
    whole: Cube
    chosen: int
    of: "_Guess | None"
    more: Cube


class ReachProver:
    """Proves mutants of one netlist equal to the engine by cubes that are never reached.

    Parameters
    ----------
    netlist : of `design.gates`.
    seen : states of runs, eight to a byte (``numpy.packbits``), of shape (states / 8, registers in
        the netlist's order).
    seconds : of a thread's time for each mutant, after which there is no proof of it.

    Attributes
    ----------
    cubes : those that are excluded, by all proofs until now.
    """

    def __init__(self, netlist: Netlist, seen: np.ndarray, seconds: float = 10):
        self.netlist, self.seconds = netlist, seconds
        self.cubes: list[Cube] = []
        self._rng = np.random.default_rng(1)
        self._initial = {q: value for q, (_, value) in netlist.registers.items()}
        self._ones = {q: seen[:, n].copy() for n, q in enumerate(netlist.registers)}
        self._all = np.full(len(seen), 255, np.uint8)
        self.graph = Graph()
        constants = netlist.constants()
        self._variables = {
            q: self.graph.variable() for q in netlist.registers if q not in constants
        }
        self.values: dict = constants | self._variables
        self.values |= {bit: self.graph.variable() for bit in netlist.inputs}
        self.values |= dict.fromkeys(netlist.choice.values(), FALSE)
        netlist.evaluate(self.graph, self.values)
        self._register_of = {literal >> 1: q for q, literal in self._variables.items()}
        live, outputs = netlist.live()
        self._sinks = [*outputs, *(netlist.registers[q][0] for q in live)]
        self._solver, self._told = Glucose4(), {0}
        self._solver.add_clause([-1])  # variable 1 is node 0, which is false
        self._until, self._gave_up = 0.0, False

    def prove(self, mutant: Mutant) -> str | None:
        """How it is the same as the engine, or None when there is no proof of it."""
        self._until = time.thread_time() + self.seconds
        found = self.netlist.changed(
            self.graph, self.values, {self.netlist.choice[mutant.number]: TRUE}
        )
        goals = sorted(
            {self.graph.differ(self.values[bit], found[bit]) for bit in self._sinks if bit in found}
            - {FALSE}
        )
        while (model := self._model([], goals)) is not None:
            goal = next(goal for goal in goals if goal == TRUE or dimacs(goal) in model)
            if not self._exclude(self._cause(model, goal)):
                return None
        return None if self._gave_up else "reach"

    def _exclude(self, cube: Cube) -> bool:
        """Prove that ``cube`` never holds, and keep what it takes."""
        if self._were_seen(cube):
            return False
        guesses = [self._guess(cube, [], None, ())]
        open_ = [guesses[0]]
        for _ in range(_STEPS):
            if not open_:
                break
            guess: _Guess | None = open_[-1]
            after = self._after(guess.cube)
            model = self._model([each.chosen for each in guesses], [after])
            if model is None:
                if self._gave_up:
                    return False
                open_.pop()
                continue
            before = self._cause(model, after)
            more = [
                (q, value)
                for q, value in guess.whole
                if (q, value) not in guess.cube and self._value(model, self._next(q)) != value
            ]
            if not self._were_seen(before):
                others = [each.chosen for each in guesses]
                open_.append(self._guess(before, others, guess, more))
                guesses.append(open_[-1])
                continue
            # It follows a state that was seen, so it is too general. So is what it was to exclude,
            # if all of it does.
            while guess and not more:
                if guess.of is None:
                    return False
                guesses.remove(guess)
                changed = any(each in guess.of.cube for each in guess.more)
                more = guess.more
                guess = guess.of if guess.of in guesses and not changed else None
            open_ = [each for each in guesses if each is not guess]
            if guess:
                # One more value, by which it does not.
                guess.cube = tuple(sorted((*guess.cube, more[self._rng.integers(len(more))])))
                guess.chosen = self._choice(guess.cube)
                open_.append(guess)
        if open_:
            return False
        for each in guesses:
            self._solver.add_clause([each.chosen])
            self.cubes.append(each.cube)
        return True

    def _guess(self, whole: Cube, others: list[int], of: "_Guess | None", more) -> "_Guess":
        """One that follows from the ``others`` at once, of several; or the last one."""
        for _ in range(_TRIES):
            cube = self._general(whole)
            chosen = self._choice(cube)
            follows = self._model([chosen, *others], [self._after(cube)]) is None
            if follows and not self._gave_up:
                break
        return _Guess(cube, whole, chosen, of, tuple(more))

    def _choice(self, cube: Cube) -> int:
        """A new variable; where it holds, ``cube`` is excluded."""
        chosen = dimacs(self.graph.variable())
        self._solver.add_clause([-chosen, *self._excludes(cube)])
        return chosen

    def _after(self, cube: Cube) -> int:
        """The literal of ``cube`` in the next cycle."""
        after = TRUE
        for q, value in cube:
            after = self.graph.both(after, self._next(q) ^ value ^ 1)
        return after

    def _next(self, q: int) -> int:
        """The literal of what register ``q`` has in the next cycle."""
        return self.values[self.netlist.registers[q][0]]

    def _value(self, model: set[int], literal: int) -> int:
        """The value of ``literal``, whose nodes the solver may not know, in ``model``."""
        found = {0: 0}
        stack = [literal >> 1]
        while stack:
            node = stack[-1]
            operands = self.graph.ands[node]
            if operands is None:
                found.setdefault(node, int(node + 1 in model))
            missing = [each >> 1 for each in operands or () if each >> 1 not in found]
            if missing:
                stack += missing
                continue
            if operands is not None:
                a, b = operands
                found[node] = (found[a >> 1] ^ a & 1) & (found[b >> 1] ^ b & 1)
            stack.pop()
        return found[literal >> 1] ^ literal & 1

    def _general(self, cube: Cube) -> Cube:
        """The fewest of ``cube`` that were never seen together, of values that were seen often."""
        often = {each: int(np.bitwise_count(self._where(*each)).sum()) for each in cube}
        left = sorted(cube, key=lambda each: often[each] * self._rng.uniform(0.5, 1.5))
        for each in list(left):
            rest = [other for other in left if other != each]
            if rest and not self._were_seen(rest):
                left = rest
        return tuple(sorted(left))

    def _were_seen(self, cube: Sequence[tuple[int, int]]) -> bool:
        """Whether all of these values were seen together, or may be so at first."""
        if all(self._initial[q] in (None, value) for q, value in cube):
            return True
        found = self._all
        for each in cube:
            found = found & self._where(*each)
        return bool(found.any())

    def _where(self, q: int, value: int) -> np.ndarray:
        """The states in which register ``q`` has this value."""
        return self._ones[q] if value else self._ones[q] ^ self._all

    def _excludes(self, cube: Cube) -> list[int]:
        return [dimacs(self._variables[q] ^ value) for q, value in cube]

    def _model(self, chosen: list[int], goals: list[int]) -> set[int] | None:
        """An assignment with one of ``goals``; None if there is none, or if it was given up."""
        self._gave_up = time.thread_time() > self._until
        if self._gave_up or not goals:
            return None
        self._tell(goals)
        asked = dimacs(self.graph.variable())
        self._solver.add_clause([-asked, *map(dimacs, goals)])
        self._solver.conf_budget(_CONFLICTS)
        answer = self._solver.solve_limited(assumptions=[asked, *chosen])
        model = set(self._solver.get_model()) if answer else None
        self._gave_up = answer is None
        self._solver.add_clause([-asked])
        return model

    def _cause(self, model: set[int], goal: int) -> Cube:
        """Values of registers in ``model`` by which ``goal`` holds, with its inputs."""
        self._tell([goal])
        variables = self._variables_of(goal)
        reason = [v + 1 if v + 1 in model else -(v + 1) for v in variables]
        for _ in range(3):
            self._solver.conf_budget(_CONFLICTS)
            self._solver.solve_limited(assumptions=[dimacs(goal ^ 1), *reason])
            core = set(self._solver.get_core() or ())
            shorter = [each for each in reason if each in core]
            if not core or len(shorter) == len(reason):
                break
            reason = shorter
        return tuple(
            sorted(
                (self._register_of[abs(each) - 1], int(each > 0))
                for each in reason
                if abs(each) - 1 in self._register_of
            )
        )

    def _tell(self, literals: Sequence[int]) -> None:
        for clause in clauses(self.graph, self._told, literals):
            self._solver.add_clause(clause)

    def _variables_of(self, literal: int) -> list[int]:
        """The nodes of all variables that ``literal`` depends on."""
        stack, seen = [literal >> 1], {0}
        found = []
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if (operands := self.graph.ands[node]) is None:
                found.append(node)
            else:
                stack += [operands[0] >> 1, operands[1] >> 1]
        return found
