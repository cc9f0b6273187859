"""The sweep on a Dask cluster: equal results, and one line for each error."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from distributed import Client
from tests.sw.cli.test_interrupt import interrupt

from celosia.network.float_network import FloatNetwork


@contextlib.contextmanager
def running(*arguments: object):
    """A `dask` command, ended on the way out."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def scheduler(folder):
    """A scheduler on a free port: its address and its process."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    options = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", file)
    with running("scheduler", *options) as process:
        deadline = time.monotonic() + 30
        while True:
            assert time.monotonic() < deadline and process.poll() is None, "no scheduler"
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                yield json.loads(file.read_text())["address"], process
                return
            time.sleep(0.1)


@contextlib.contextmanager
def workers(address: str, *options: object):
    """A worker that the scheduler knows: beside other work it takes long to start."""
    with running("worker", address, "--nthreads", 1, "--no-dashboard", *options) as process:
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=180)
        yield process


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The path of a small float model."""
    return save(tmp_path_factory.mktemp("model") / "m.npz", 16, 8, 4)


def save(path, *sizes: int):
    pairs = list(zip(sizes, sizes[1:], strict=False))
    weights = tuple(np.ones(pair, np.float32) for pair in pairs)
    biases = tuple(np.zeros(n, np.float32) for _, n in pairs)
    FloatNetwork.from_arrays(weights, biases, ("relu",) * (len(pairs) - 1) + ("none",)).save(path)
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with scheduler(tmp_path_factory.mktemp("dask")) as (address, _), workers(address):
        yield address


def test_the_same_as_without(celosia, model, address, tmp_path):
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    arguments = ("--rows", "1,2", "--cols", "8,16")
    assert celosia("explore", model, *arguments, "--jobs", 1, "--json", here).status == 0
    ran = celosia("explore", model, *arguments, "--dask", address, "--json", there)
    assert (ran.status, here.read_text()) == (0, there.read_text())
    assert "predicting cycles" in ran.err


def test_ctrl_c(address, tmp_path):
    large = save(tmp_path / "large.npz", 784, *(128,) * 6, 10)
    status, _, err = interrupt(["explore", large, "--dask", address], "predicting cycles (")
    assert (status, err.splitlines()[-1]) == (130, "celosia: interrupted")
    assert "Traceback" not in err


def test_the_scheduler_goes_away(tmp_path):
    large = save(tmp_path / "large.npz", 784, *(128,) * 12, 10)
    with scheduler(tmp_path) as (address, process), workers(address):
        sweep = subprocess.Popen(
            [sys.executable, "-m", "celosia", "explore", large, "--dask", address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = sweep.stderr.readline()
        assert line.startswith("predicting cycles (1 of "), line
        os.killpg(process.pid, signal.SIGKILL)
        _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 2
    gone = f"celosia: Dask at {address}: lost the scheduler; see its log"
    assert err.splitlines()[-1] == gone
    assert "Traceback" not in err


def test_workers_of_another_version(celosia, model, tmp_path):
    preload = tmp_path / "old.py"
    preload.write_text("import celosia\ncelosia.__version__ = '0.0.1'\n")
    with scheduler(tmp_path) as (address, _), workers(address, "--preload", preload):
        ran = celosia("explore", model, "--dask", address)
    assert ran.status == 2
    assert " has celosia 0.0.1, not " in ran.err and "on every worker" in ran.err


def test_workers_without_celosia(celosia, model, tmp_path):
    preload = tmp_path / "without.py"
    preload.write_text("import sys\nsys.modules['celosia'] = None\n")
    with scheduler(tmp_path) as (address, _), workers(address, "--preload", preload):
        ran = celosia("explore", model, "--dask", address)
    assert ran.status == 2
    assert "a worker cannot run Celosia: " in ran.err and "on every worker" in ran.err


def test_no_workers(celosia, model, tmp_path, monkeypatch):
    monkeypatch.setattr("celosia.support.cluster._PATIENCE", 1)
    with scheduler(tmp_path) as (address, _):
        ran = celosia("explore", model, "--dask", address)
    assert ran.status == 2
    assert "the scheduler has no workers; start some with `dask worker`" in ran.err


def test_no_scheduler(celosia, model, monkeypatch):
    monkeypatch.setattr("celosia.support.cluster._PATIENCE", 1)
    ran = celosia("explore", model, "--dask", "tcp://127.0.0.1:9")
    assert ran.status == 2
    assert ran.err.startswith("celosia: Dask at tcp://127.0.0.1:9: the scheduler does not answer: ")


@pytest.mark.parametrize("address", ["foo://host:1", "host", "a:b:c", ""])
def test_an_address_that_is_none(celosia, model, address):
    ran = celosia("explore", model, "--dask", address)
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert "give an address such as tcp://host:8786" in ran.err


def test_dask_is_not_installed(celosia, model, monkeypatch):
    monkeypatch.setattr("celosia.support.cluster.find_spec", lambda name: None)
    ran = celosia("explore", model, "--dask", "tcp://127.0.0.1:9")
    assert ran.status == 2
    assert ran.err == (
        "celosia: --dask: a cluster needs Dask; install it with: pip install 'celosia[explore]'\n"
    )
