"""The test benches in quick runs, most on both simulators; `make sim` does more of the same.

Here an engine runs on one of them. Verilator's builds take long and its runs do not, so that it has
those with most to do.
"""

from itertools import product

import pytest
from tb.benches import BENCHES
from tb.simulators import Job, require, run

from celosia.support.errors import CelosiaError

#: The engines for Verilator; Icarus has all others. Benches of which it has none: its builds take
#: several times as long as they run, and `make sim` has them.
COMPILED = {
    "activations": {"3x5"},
    "array": {"2x16l8r4s"},
    "axi": {"2x7"},
    "drain": {"2x16l8r4s"},
    "engine": {"1x16", "2x16l8r4s"},
    "feeder": {"3x5"},
    "link": {"1x4b1", "2x5b8"},
    "link_simulated": {"2x6b16"},
    "map_feeder": {"3x5m"},
    "memories": set(),
    "networks": {"4x12l4m"},
    "operands": set(),
    "postprocess": set(),
    "requantizer": {"2x16l8r4s"},
    "row_operands": set(),
    "sequencer": {"2x7"},
    "writeback": set(),
}
#: Of these benches only some variants or none: most other tests run on the engine in a simulation's
#: form, and what makes the other variants differ does not reach these blocks.
SOME = {
    "drain": {"1x4", "3x12l6r2", "2x16l8r4s", "3x8l4m"},
    "engine_simulated": set(),
    "link_simulated": {"3x4b4", "2x6b16"},
    "map_feeder": {"3x5m", "4x12l4m"},
    "memories": {"2x6b16", "20x4"},
    "networks": {"3x5m", "4x12l4m"},
    "operands": {"3x12l6r2"},
    "postprocess": {"1x4", "2x12l4", "2x16l8r4s"},
    "row_operands": {"4x12l4m"},
    "writeback": {"1x4", "3x12l6r2", "3x8l4m"},
}
JOBS = [
    Job(
        bench,
        variant,
        "verilator" if variant in COMPILED[bench] else "icarus",
        seed=2026,
        quick=True,
    )
    for bench in BENCHES
    for variant in BENCHES[bench].variants
    if variant in SOME.get(bench, BENCHES[bench].variants)
]


def test_every_bench_runs_on_its_simulators():
    pairs = {(job.bench, job.sim) for job in JOBS}
    benches = [bench for bench in BENCHES if SOME.get(bench, 1)]
    compiled = [bench for bench in benches if COMPILED[bench]]
    assert pairs == {*product(benches, ["icarus"]), *product(compiled, ["verilator"])}


@pytest.mark.simulator
@pytest.mark.parametrize("job", JOBS, ids=str)
def test_bench(job, shared):
    # In one folder, so that Verilator's runtime is compiled once.
    result = run(job, shared / "tb")
    failures = "\n".join(f"{name}: {message}" for name, message in result.failures)
    assert not failures, f"SEED={job.seed}, log {result.log}\n{failures}"
    assert result.tests and result.cycles


@pytest.mark.parametrize("program", ["iverilog", "vvp"])
def test_a_missing_simulator_is_an_error(monkeypatch, program):
    monkeypatch.setattr("shutil.which", lambda name: None if name == program else name)
    with pytest.raises(CelosiaError, match="apt-get install iverilog"):
        require("icarus")
