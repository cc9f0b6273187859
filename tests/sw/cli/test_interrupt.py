"""Ctrl-C: a summary of what was done, status 130, and no process left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.helpers.idx_files import write_folder


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """More test images than a small engine can be simulated with in a test's time."""
    return write_folder(tmp_path_factory.mktemp("many"), 300, 20_000, noise=250)


def interrupt(arguments: list, sign: str) -> tuple[int, str, str]:
    """Run a command, press Ctrl-C when ``sign`` shows on stderr; status, stdout and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "celosia", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        seen = ""
        while sign not in seen:
            line = process.stderr.readline()
            assert line, f"ended before {sign!r}: {seen}"
            seen += line
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    # What multiprocessing keeps for its own book-keeping notices the end a moment later.
    deadline = time.monotonic() + 5
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not members(process.pid)
    return process.returncode, out, seen + err


def members(session: int) -> list[str]:
    """Processes of ``session`` that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, its_session = fields.split()[:4]
        if int(its_session) == session and state != "Z":
            found.append(name)
    return found


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("transport", [pytest.param("rtl", marks=pytest.mark.simulator), "golden"])
def test_during_the_run(many, tmp_path, transport, jobs):
    report = tmp_path / "report.json"
    arguments = ["mnist", "--data", many, "--epochs", 1, "--rows", 1, "--cols", 4]
    arguments += ["--transport", transport, "--jobs", jobs, "--json", report]
    status, out, err = interrupt(arguments, "running (")
    assert status == 130
    assert "Traceback" not in err
    found = re.search(r"interrupted: ([\d,]+) of 20,000 images done, accuracy so far [\d.]+%", out)
    assert found, out
    figures = json.loads(report.read_text())
    assert figures["images"] == int(found[1].replace(",", "")) > 0
    assert (figures["complete"], figures["mismatches"]) == (False, 0)
    assert (figures["cycles"] is None) == (transport == "golden")


def test_during_training(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "cache"))
    arguments = ["train", "--data", digits, "--epochs", 100_000, "-o", tmp_path / "m.npz"]
    status, _, err = interrupt(arguments, "training")
    assert (status, err.splitlines()[-1]) == (130, "celosia: interrupted")
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.simulator
def test_during_a_build(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "cache"))
    arguments = ["mnist", "--data", digits, "--epochs", 1, "--rows", 1, "--cols", 4]
    status, _, err = interrupt(arguments, "compiling the simulation")
    assert (status, err.splitlines()[-1]) == (130, "celosia: interrupted")
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.so"))
