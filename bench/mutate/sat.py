"""What a SAT solver is told of an and-inverter graph."""

from collections.abc import Iterator, Sequence

from .netlist import Graph

__all__ = ["clauses", "dimacs"]


def dimacs(literal: int) -> int:
    """A literal of the graph as one of the solver: node n is variable n + 1."""
    variable = (literal >> 1) + 1
    return -variable if literal & 1 else variable


def clauses(graph: Graph, told: set[int], literals: Sequence[int]) -> Iterator[list[int]]:
    """What the nodes are that ``literals`` depend on, of those that are not in ``told`` yet."""
    stack = [literal >> 1 for literal in literals]
    while stack:
        node = stack.pop()
        if node in told:
            continue
        told.add(node)
        if (operands := graph.ands[node]) is None:
            continue
        out, a, b = node + 1, dimacs(operands[0]), dimacs(operands[1])
        yield from ([-out, a], [-out, b], [out, -a, -b])
        stack += [operands[0] >> 1, operands[1] >> 1]
