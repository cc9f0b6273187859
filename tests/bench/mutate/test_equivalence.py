"""Proofs that a mutant is the engine, on netlists of a few gates."""

import pytest
from bench.mutate.design import Mutant, gates
from bench.mutate.equivalence import Prover
from bench.mutate.netlist import FALSE, TRUE, Graph, Netlist

from celosia.support.progress import silent

MUTANT, INPUT, OUTPUT = 1, 2, 90


def mutant() -> Mutant:
    return Mutant.read(1, "mutate -mode inv -module top -cell c -port Y -portbit 0 -src a.py:1")


def netlist(gates, registers=None, outputs=(OUTPUT,)) -> Netlist:
    return Netlist(gates, registers or {}, [INPUT], list(outputs), {1: MUTANT})


def xor(out: int, a: int, b: int, scratch: int) -> list:
    """Gates of ``out = a ^ b``; ``scratch`` is the first of five numbers that are free."""
    n_a, n_b, left, right, same = range(scratch, scratch + 5)
    return [
        (n_a, a, None),
        (n_b, b, None),
        (left, a, b),
        (right, n_a, n_b),
        (same, left, None),
        (out + 1000, right, None),
        (out, same, out + 1000),
    ]


def test_mutant_of_a_line():
    made = mutant()
    assert (made.mode, made.cell, made.port, made.bit) == ("inv", "c", "Y", 0)
    assert made.sources == ("a.py:1",)
    assert str(made) == "inv c.Y[0] (a.py:1)"


def test_graph_shares_nodes():
    graph = Graph()
    a, b = graph.variable(), graph.variable()
    assert graph.both(a, b) == graph.both(b, a)
    assert graph.both(a, a ^ 1) == FALSE
    assert graph.both(a, TRUE) == a
    assert graph.differ(a, a) == FALSE
    assert graph.differ(a, FALSE) == a


def test_a_mutant_that_matters_is_not_proven():
    assert Prover(netlist(xor(OUTPUT, INPUT, MUTANT, 10))).prove(mutant()) is None


def test_behind_a_register_that_no_output_reads():
    # Register 3 inverts itself when mutated, and nothing else reads it.
    gates = [*xor(4, 3, MUTANT, 10), (OUTPUT, INPUT, None)]
    assert Prover(netlist(gates, {3: (4, 0)})).prove(mutant()) == "structure"


def test_a_gate_that_is_redundant_in_every_state():
    # The input, or when mutated the input where another one is 1, or where that is 0.
    other = 3
    gates = [
        (4, other, None),
        (5, INPUT, other),
        (6, INPUT, 4),
        (7, 5, None),
        (8, 6, None),
        (9, 7, 8),
        (10, 9, None),
        (11, MUTANT, None),
        (12, 10, MUTANT),
        (13, INPUT, 11),
        (14, 12, None),
        (15, 13, None),
        (16, 14, 15),
        (OUTPUT, 16, None),
    ]
    made = Netlist(gates, {}, [INPUT, other], [OUTPUT], {1: MUTANT})
    assert Prover(made).prove(mutant()) == "step"


def test_a_register_that_is_constant():
    # Register 3 is 0 for ever; the output is 3 & mutant.
    gates = [(4, 3, INPUT), (OUTPUT, 3, MUTANT)]
    made = netlist(gates, {3: (4, 0)})
    assert made.constants() == {3: 0}
    assert Prover(made).prove(mutant()) in ("structure", "step")
    # It is not, if it begins with 1.
    assert Prover(netlist(gates, {3: (4, 1)})).prove(mutant()) is None


def test_states_that_are_never_reached():
    # Registers 3 and 4 take the input and its inverse: never both 1 from the second cycle on.
    gates = [(5, INPUT, None), (6, 3, 4), (OUTPUT, 6, MUTANT)]
    registers = {3: (INPUT, 0), 4: (5, 0)}
    assert Prover(netlist(gates, registers)).prove(mutant()) == "induction 1"
    # Both begin with 1: then the first cycle shows it.
    assert Prover(netlist(gates, {3: (INPUT, 1), 4: (5, 1)})).prove(mutant()) is None


def test_a_register_that_differs_where_it_does_not_matter():
    # Register 4 takes the input when 3 is to be 1, when mutated always; the output is 3 & 4.
    valid = 7
    gates = [
        (8, valid, None),
        (9, MUTANT, None),
        (10, 8, 9),
        (11, 10, None),  # load = valid | mutant
        (12, INPUT, 11),
        (13, 4, 10),
        (14, 12, None),
        (15, 13, None),
        (16, 14, 15),
        (17, 16, None),  # load ? input : 4
        (OUTPUT, 3, 4),
    ]
    made = Netlist(gates, {3: (valid, 0), 4: (17, 0)}, [INPUT, valid], [OUTPUT], {1: MUTANT})
    assert Prover(made).prove(mutant()).startswith("apart")
    # It matters when the output is 4 itself.
    gates[-1] = (OUTPUT, 4, 4)
    made = Netlist(gates, {3: (valid, 0), 4: (17, 0)}, [INPUT, valid], [OUTPUT], {1: MUTANT})
    assert Prover(made).prove(mutant()) is None


def test_a_cell_that_is_no_gate():
    text = '{"modules": {"top": {"ports": {}, "netnames": {}, "cells": {"c": {"type": "$add",'
    with pytest.raises(ValueError, match="no gate: \\$add"):
        Netlist.read(text + ' "connections": {}}}}}}', "top")


#: A register that counts the input, and an output that is 1 when it is above 4 or all of its bits
#: are 1: that is when it is above 4.
FLAT = """\
module \\celosia
  wire width 1 input 1 \\clk
  wire width 1 input 2 \\i
  wire width 1 output 3 \\o
  attribute \\init 3'000
  wire width 3 \\count
  wire width 3 \\next
  wire width 1 \\above
  wire width 1 \\all
  cell $add \\add
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 3
    parameter \\B_SIGNED 0
    parameter \\B_WIDTH 1
    parameter \\Y_WIDTH 3
    connect \\A \\count
    connect \\B \\i
    connect \\Y \\next
  end
  cell $dff \\register
    parameter \\CLK_POLARITY 1'1
    parameter \\WIDTH 3
    connect \\CLK \\clk
    connect \\D \\next
    connect \\Q \\count
  end
  cell $gt \\gt
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 3
    parameter \\B_SIGNED 0
    parameter \\B_WIDTH 3
    parameter \\Y_WIDTH 1
    connect \\A \\count
    connect \\B 3'100
    connect \\Y \\above
  end
  cell $reduce_and \\reduce
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 3
    parameter \\Y_WIDTH 1
    connect \\A \\count
    connect \\Y \\all
  end
  cell $or \\either
    parameter \\A_SIGNED 0
    parameter \\A_WIDTH 1
    parameter \\B_SIGNED 0
    parameter \\B_WIDTH 1
    parameter \\Y_WIDTH 1
    connect \\A \\above
    connect \\B \\all
    connect \\Y \\o
  end
end
"""


def of(number: int, mode: str, cell: str, port: str, bit: int) -> Mutant:
    return Mutant.read(
        number, f"mutate -mode {mode} -module celosia -cell {cell} -port {port} -portbit {bit}"
    )


@pytest.mark.simulator
def test_mutants_of_a_module():
    mutants = [
        of(1, "const0", "reduce", "Y", 0),
        of(2, "const1", "reduce", "Y", 0),
        of(3, "inv", "add", "Y", 2),
        of(4, "const0", "gt", "B", 0),
        of(5, "const0", "either", "B", 0),
    ]
    prover = Prover(Netlist.read(gates(FLAT, mutants, silent), "celosia"))
    proofs = [prover.prove(each) for each in mutants]
    assert proofs[1] is proofs[2] is None
    assert proofs[0] in ("structure", "step")
    assert proofs[3] in ("structure", "step")
    assert proofs[4] in ("structure", "step")


def test_a_column_of_a_memory_that_nothing_reads():
    # Of two bits that are read, 5 and 6, the output is the first; what 6 is given has no meaning.
    gates = [*xor(4, INPUT, MUTANT, 10), (OUTPUT, 5, 5)]
    made = Netlist(gates, {}, [INPUT, 5, 6], [OUTPUT], {1: MUTANT}, {5: [INPUT], 6: [4]})
    assert Prover(made).prove(mutant()) == "structure"
    made = Netlist(gates, {}, [INPUT, 5, 6], [OUTPUT], {1: MUTANT}, {5: [4], 6: [INPUT]})
    assert Prover(made).prove(mutant()) is None
