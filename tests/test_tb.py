"""The test benches, each on both simulators, in quick runs; `make sim` does more of the same."""

import pytest
from tb.benches import BENCHES
from tb.simulators import SIMULATORS, Job, require, run

from celosia.errors import CelosiaError

#: Engines for Verilator, whose builds take most of the time; Icarus has all of them.
COMPILED = {
    "activations": ["3x5"],
    "array": ["4x8l2"],
    "axi": ["4x8l2"],
    "engine": ["4x8l2"],
    "feeder": ["3x5"],
    "link": ["3x4b4"],
    "requantizer": ["1x4"],
    "sequencer": ["2x7"],
}
JOBS = [
    Job(bench, variant, sim, seed=2026, quick=True)
    for bench in BENCHES
    for sim in SIMULATORS
    for variant in BENCHES[bench].variants
    if sim != "verilator" or variant in COMPILED[bench]
]


@pytest.fixture(scope="session")
def build_root(tmp_path_factory):
    """A folder of this process."""
    return tmp_path_factory.mktemp("tb")


@pytest.mark.parametrize("job", JOBS, ids=str)
def test_bench(job, build_root):
    result = run(job, build_root)
    failures = "\n".join(f"{name}: {message}" for name, message in result.failures)
    assert not failures, f"SEED={job.seed}, log {result.log}\n{failures}"
    assert result.tests and result.cycles


@pytest.mark.parametrize("program", ["iverilog", "vvp"])
def test_a_missing_simulator_is_an_error(monkeypatch, program):
    monkeypatch.setattr("shutil.which", lambda name: None if name == program else name)
    with pytest.raises(CelosiaError, match="apt-get install iverilog"):
        require("icarus")
