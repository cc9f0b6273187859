"""`run --dask`: a data set over a cluster gives the same bytes, also when a worker is killed."""

import json
import os
import signal
from functools import partial

import numpy as np
import pytest
from distributed import Client
from tests.helpers.networks import images, network
from tests.sw.explore.test_explore_dask import scheduler, workers

from celosia import driver
from celosia.compiler import compile
from celosia.driver.cluster import SHARES, run_on_cluster
from celosia.driver.parallel import WorkerFailed, run_parallel
from celosia.spec import Config
from celosia.support import cluster

CONFIG = Config.default(4, 8, convolution=0)
GOLDEN = partial(driver.open, "golden", CONFIG)


@pytest.fixture(scope="module")
def model():
    """An image and int8 inputs of more batches than there are shares."""
    rng = np.random.default_rng(5)
    graph = network(rng, [64, 40, 10])
    return compile(graph, CONFIG), images(rng, graph, 5 * SHARES + 3)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The address of a scheduler with two workers, each with a nanny that starts it again."""
    with scheduler(tmp_path_factory.mktemp("dask")) as (address, _):
        with workers(address, "--nworkers", 2):
            with Client(address, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
            yield address


def kill_one(address: str) -> None:
    with Client(address, set_as_default=False) as client:
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)


def test_the_same_bytes(two, model, celosia, tmp_path):
    image, x = model
    image.save(tmp_path / "m.celosia")
    np.save(tmp_path / "x.npy", x)
    files, figures = [], []
    for name, more in (("here", []), ("there", ["--dask", two])):
        output, report = tmp_path / f"{name}.npy", tmp_path / f"{name}.json"
        ran = celosia(
            *("run", tmp_path / "m.celosia", "--input", tmp_path / "x.npy"),
            *("--output", output, "--json", report, *more),
        )
        assert ran.status == 0, ran.err
        files.append(output.read_bytes())
        figures.append(json.loads(report.read_text()))
    assert files[0] == files[1]
    assert "running" in ran.err
    assert figures[1]["jobs"] == SHARES and figures[1]["images"] == len(x)


def test_a_worker_is_killed(two, model):
    image, x = model
    told = []

    def progress(text: str, done: int, total: int) -> None:
        told.append(done)
        if len(told) == 5:
            kill_one(two)

    run = run_on_cluster(two, GOLDEN, image, x, progress)
    assert run.done.all() and told[-1] == len(x)
    assert np.array_equal(run.outputs, run_parallel(GOLDEN, image, x).outputs)


def test_all_workers_are_killed(tmp_path, model, monkeypatch):
    """One line, and what was done is kept."""
    monkeypatch.setattr(cluster, "_REVIVAL", 1)
    image, x = model
    with scheduler(tmp_path) as (address, _), workers(address, "--no-nanny"):
        killed = []

        def progress(text: str, done: int, total: int) -> None:
            if not killed:
                killed.append(done)
                kill_one(address)

        with pytest.raises(WorkerFailed, match="has had no worker for 1 seconds") as error:
            run_on_cluster(address, GOLDEN, image, x, progress)
    assert 0 < error.value.run.done.sum() < len(x)


@pytest.mark.parametrize("option", [("--jobs", 2), ("--port", "auto")], ids=str)
def test_what_it_excludes(option, celosia, model, tmp_path):
    image, x = model
    image.save(tmp_path / "m.celosia")
    np.save(tmp_path / "x.npy", x)
    run = ("run", tmp_path / "m.celosia", "--input", tmp_path / "x.npy")
    ran = celosia(*run, "--dask", "tcp://127.0.0.1:9", *option)
    assert ran.status == 2
    assert ran.err == f"celosia: --dask: excludes {option[0]}; leave one of them out\n"


def test_no_scheduler(celosia, model, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    image, x = model
    image.save(tmp_path / "m.celosia")
    np.save(tmp_path / "x.npy", x)
    run = ("run", tmp_path / "m.celosia", "--input", tmp_path / "x.npy")
    ran = celosia(*run, "--dask", "tcp://127.0.0.1:9", "--output", tmp_path / "y.npy")
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert ran.err.startswith("celosia: Dask at tcp://127.0.0.1:9: the scheduler does not answer: ")
    assert not (tmp_path / "y.npy").exists()
