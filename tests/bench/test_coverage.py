"""What is counted as covered, and what `make coverage` refuses."""

import pytest
from amaranth import *
from amaranth.hdl import Fragment
from bench.coverage import Covered, judge, points_of, waivers
from bench.coverage_build import instrumented, line_of
from tb import points
from tb.benches import BENCHES

from celosia_hw.core.sequencer import Sequencer

_DAT = (
    "# SystemC::Coverage-3\n"
    "C '\x01f\x02dut.v\x01l\x02152\x01n\x028\x01t\x02toggle\x01page\x02v_toggle/dut.engine"
    "\x01o\x02covered_core_0_sequencer_at_105:0->1\x01h\x02dut' 41\n"
)
IDLE, NEXT = ("core/sequencer.py", 1), ("core/sequencer.py", 2)


@pytest.fixture
def covered():
    """A state and its statement, neither of them reached."""
    return Covered({IDLE: "State"}, {NEXT: {IDLE}})


def test_verilators_file_is_read():
    point = "covered_core_0_sequencer_at_105:0->1"
    assert points_of(_DAT) == {"v_toggle": [("dut.engine", point, 41)]}
    assert line_of(point) == ("core/sequencer.py", 105)
    assert line_of("valid:0->1") is None


def test_branches_and_statements_are_found():
    config = BENCHES["sequencer"].variants["2x7"]
    before = Module.If
    with instrumented() as source:
        Fragment.get(Sequencer(config), None)
    assert Module.If is before
    assert {"State", "If", "Elif"} <= set(source.branches.values())
    assert all(inside <= source.branches.keys() for inside in source.statements.values())
    assert {place[0] for place in source.branches} == {"core/sequencer.py", "core/hazards.py"}
    assert len(source.statements) > 10


def test_what_is_not_reached_needs_a_reason(covered):
    document, wrong = judge(covered, {})
    assert document["lines"] == {"hit": 0, "of": 2, "percent": 0.0}
    assert document["states"] == {"hit": 0, "of": 1, "percent": 0.0}
    assert any("0 of 1 states are below" in line for line in wrong)
    assert sum("is never executed and has no reason" in line for line in wrong) == 2
    # Then there is nothing wrong with this line, but with all points.
    covered.active.add(IDLE)
    document, wrong = judge(covered, {})
    assert document["lines"]["percent"] == 100
    assert len(wrong) == len(points.POINTS) and all("was never hit" in line for line in wrong)


def test_a_reason_for_what_is_covered_is_stale(covered):
    covered.active.add(IDLE)
    covered.points.update(points.POINTS)
    assert judge(covered, {})[1] == []
    (line,) = judge(covered, {"core/sequencer.py: with m.If(no_such):": "why"})[1]
    assert "is covered, or there is no such line" in line


def test_all_waivers_have_a_reason():
    assert all(waivers().values())


def test_points_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv(points.VARIABLE, str(tmp_path / "points"))
    points.hit("run in stripes")
    assert (tmp_path / "points").read_text() == "run in stripes\n"
    with pytest.raises(ValueError, match="'nothing' is not in"):
        points.hit("nothing")
