"""The soak finds what differs and says how to repeat it; its engines are of all kinds."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bench import soak, soak_case
from bench.soak_engines import Engine, draw_engine

from celosia.driver.golden import GoldenTransport
from celosia.spec import Config, Status

_ROOT = Path(__file__).resolve().parents[2]
SEED = 3


class Wrong(GoldenTransport):
    """An engine that is the golden model, but for one bit of the responses of ``opcode``."""

    opcode = 0

    def __init__(self, config, *arguments, **options):
        super().__init__(config)

    def stream(self, frames):
        for frame, replies in zip(frames, super().stream(frames), strict=True):
            reply = bytearray(replies[0])
            if frame[0] == self.opcode and reply[-8:].count(Status.OK) and len(reply) > 32:
                reply[0] ^= 1
            yield [bytes(reply)]


@pytest.fixture
def without_rtl(monkeypatch, tmp_path):
    """No Verilog and no compiler: the engine is `Wrong`."""
    config = Config.default(2, 4, act_depth=4096, weight_depth=1 << 14)
    engine = Engine(config, "portable", (0.0, 0.0))
    monkeypatch.setattr(soak_case, "draw_engine", lambda rng: engine)
    monkeypatch.setattr(soak_case, "RtlTransport", Wrong)
    monkeypatch.setattr(Engine, "verilog", lambda self: "")
    monkeypatch.setattr(soak_case.verilator, "build", lambda *a: tmp_path / "none.so")
    # It has no clock: what is timed differs, and is left out here.
    monkeypatch.setattr(soak_case._Case, "counted", lambda *a: None)


def test_equal(without_rtl, monkeypatch):
    print("seed", SEED)
    found = soak_case.run_case(SEED, 0, networks=2)
    assert found.networks == 2 and found.bytes > 100 and found.frames > 50
    assert sum(found.judged.values()) > 50
    assert found.differences == []


@pytest.mark.parametrize("opcode", [4, 5])  # READ, INFER
def test_a_wrong_bit_is_found(without_rtl, monkeypatch, opcode):
    print("seed", SEED)
    monkeypatch.setattr(Wrong, "opcode", opcode)
    found = soak_case.run_case(SEED, 0, networks=2)
    assert found.differences
    summary = soak.Summary(SEED, 2)
    summary.add(0, soak_case.asdict(found))
    document = summary.document(1.0)
    (case,) = document["differences"]
    assert case["command"] == f"python -m bench.soak_case {SEED} 0 --networks 2"
    assert "1" in dict(soak.Summary.rows(document))["cases that differ"]


def test_a_case_that_dies_is_a_difference(monkeypatch):
    monkeypatch.setattr(soak, "_command", lambda *a: ["-c", "import os; os.abort()"])
    index, found = soak.one_case(1, 2, 3)
    assert index == 3 and "died with exit status -6" in found["differences"][0]


def test_engines_of_all_kinds():
    rng = np.random.default_rng(SEED)
    engines = [draw_engine(rng) for _ in range(80)]
    assert len({each.technology for each in engines}) == 6
    for name, values in {
        "link_bytes": {1, 2, 4, 8, 16, 32},
        "requantizer_cycles": {1, 27},
        "convolution": {0, 1},
        "depthwise": {0, 1},
    }.items():
        assert {getattr(each.config, name) for each in engines} == values
    for name, most in (("rows", 12), ("cols", 64), ("lanes", 6), ("tables", 16)):
        assert max(getattr(each.config, name) for each in engines) >= most


@pytest.mark.simulator
def test_ctrl_c_gives_the_summary(tmp_path):
    """And leaves no process: the case is in its own."""
    command = [sys.executable, "-m", "bench.soak", "100", "--seed", "1", "--json", tmp_path / "j"]
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "seed 1\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    assert "cases that differ" in out
    assert json.loads((tmp_path / "j").read_text())["interrupted"] is True
