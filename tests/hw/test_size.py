"""The small engine must not grow unnoticed."""

import pytest
from bench.engines import SMALL

from celosia.boards import board, load_placements
from celosia.flow import elaborate, synthesize

#: What it may be above the committed placement.
_ALLOWED = 1.05


def verdict(luts: int, committed: int | None) -> str:
    """What is wrong; "" when nothing is."""
    renew = f"run `make report ONLY='{SMALL.name}'` and commit the table"
    if committed is None:
        return f"{SMALL.name} has no committed placement with its configuration: {renew}"
    if luts > committed * _ALLOWED:
        grown = f"{SMALL.name} has grown from {committed:,} to {luts:,} LUTs"
        return f"{grown}: make it smaller, or {renew}"
    return ""


@pytest.mark.parametrize(
    "luts, committed, text",
    [(1050, 1000, ""), (1051, 1000, "has grown"), (900, 1000, ""), (1, None, "no committed")],
)
def test_the_verdict(luts, committed, text):
    found = verdict(luts, committed)
    assert text in found and bool(found) == bool(text)


@pytest.mark.simulator
def test_the_small_engine():
    design = elaborate(board(SMALL.board), SMALL.config, technology=SMALL.technology)
    luts = synthesize(board(SMALL.board), design).counts.used["luts"]
    committed = [each.used["luts"] for each in load_placements() if SMALL.is_of(each)]
    problem = verdict(luts, committed[0] if committed else None)
    assert not problem, problem
