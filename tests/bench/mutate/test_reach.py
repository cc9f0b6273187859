"""Proofs that a mutant differs only where the engine never is."""

import numpy as np
import pytest
from bench.mutate.reach import ReachProver
from tests.bench.mutate.test_equivalence import INPUT, MUTANT, OUTPUT, mutant, netlist, xor

A, B, C, FREE, BOTH = 3, 4, 5, 60, 80


def seen(*states: str) -> np.ndarray:
    """These states, each as often as it takes; a digit for each register."""
    rows = [[int(digit) for digit in state] for state in states] * 8
    return np.packbits(np.array(rows, np.uint8), axis=0)


def equal_pair(initial: int = 0):
    """B is what A is, both the input's last bit; the mutant is seen where they differ."""
    gates = [*xor(FREE, A, B, 10), (FREE + 1, FREE, MUTANT), *xor(OUTPUT, A, FREE + 1, 20)]
    return netlist(gates, {A: (INPUT, 0), B: (INPUT, initial)})


def ring(initial: str = "100"):
    """One bit goes round A, B and C; the mutant is seen where A and B are set."""
    gates = [(BOTH, A, B), (FREE, BOTH, MUTANT), *xor(OUTPUT, C, FREE, 20)]
    sources = zip((A, B, C), (C, A, B), initial, strict=True)
    return netlist(gates, {q: (d, int(value)) for q, d, value in sources})


def test_registers_that_are_the_same():
    prover = ReachProver(equal_pair(), seen("00", "11"))
    assert prover.prove(mutant()) == "reach"
    # One of the two ways to differ needs both to be excluded.
    assert sorted(prover.cubes) == [((A, 0), (B, 1)), ((A, 1), (B, 0))]


def test_cubes_that_follow_only_together():
    prover = ReachProver(ring(), seen("100", "010", "001"))
    assert prover.prove(mutant()) == "reach"
    assert len(prover.cubes) >= 3


def test_a_register_that_copies_another_one():
    # D is set after A and B were, and E copies D: the mutant is seen where E is set.
    made, d, e = ring(), 6, 7
    gates = [(BOTH, A, B), (FREE, e, MUTANT), *xor(OUTPUT, C, FREE, 20)]
    registers = made.registers | {d: (BOTH, 0), e: (d, 0)}
    prover = ReachProver(netlist(gates, registers), seen("10000", "01000", "00100"))
    assert prover.prove(mutant()) == "reach"
    assert {((d, 1),), ((e, 1),)} <= set(prover.cubes)


@pytest.mark.parametrize(
    "made, states",
    [
        # What was not seen is reached: at first, or later.
        (equal_pair(initial=1), ("00", "11")),
        (ring("110"), ("100", "010", "001")),
        (ring("011"), ("011",)),
        (ring("011"), ("011", "101")),
    ],
)
def test_a_state_that_was_not_seen_but_is_reached(made, states):
    assert ReachProver(made, seen(*states)).prove(mutant()) is None


def test_a_register_without_an_initial_value():
    made = equal_pair()
    made.registers[B] = (INPUT, None)
    assert ReachProver(made, seen("00", "11")).prove(mutant()) is None


def test_a_state_that_was_seen():
    assert ReachProver(equal_pair(), seen("00", "11", "01", "10")).prove(mutant()) is None
