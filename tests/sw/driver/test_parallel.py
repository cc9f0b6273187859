"""Spreading images over worker processes, on the golden model."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
from tests.helpers.networks import CONFIGS, images, network
from tests.helpers.processes import alive, wait_until

from celosia.compiler import compile
from celosia.driver import Device, GoldenTransport
from celosia.driver.parallel import Interrupted, WorkerFailed, run_parallel
from celosia.support.errors import CelosiaError

CONFIG = CONFIGS["4x12-lanes4"]
RNG = np.random.default_rng(5)
GRAPH = network(RNG, [20, 13, 5])
IMAGE = compile(GRAPH, CONFIG)
X = images(RNG, GRAPH, 50)


class CountingDevice(Device):
    """A golden device with a clock: a cycle an image, and a counter of the images."""

    def load(self, image, progress=None):
        self.images = 0
        super().load(image)

    def stream(self, x, **options):
        for start, outputs in super().stream(x, **options):
            self.cycles = start + len(outputs[-1])
            self.images += len(outputs[-1])
            yield start, outputs

    def counters(self, clear=False):
        return {"images": self.images}


class StubbornDevice(CountingDevice):
    """Fails, dies or sleeps when it meets the first image from ``at`` on."""

    def __init__(self, how: str, at: int):
        super().__init__(GoldenTransport(CONFIG))
        self.how, self.at = how, X[at]

    def stream(self, x, **options):
        for start, outputs in super().stream(x, **options):
            part = x[start : start + len(outputs[-1])]
            if (part == self.at).all(axis=1).any():
                self.give_up()
            yield start, outputs

    def give_up(self):
        if self.how == "refuse":
            raise CelosiaError("no more", where="engine", todo="rest")
        if self.how == "die":
            os._exit(3)
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "memory":
            raise MemoryError
        if self.how == "disk":
            raise OSError(28, "No space left on device", "/some/where")
        if self.how == "bug":
            raise ZeroDivisionError("of mine")
        time.sleep(60)


def open_device() -> Device:
    return CountingDevice(GoldenTransport(CONFIG))


@pytest.mark.parametrize(("jobs", "batch"), [(1, None), (2, None), (3, 3), (40, 4)])
def test_results_are_those_of_one_engine(jobs, batch):
    seen = []
    run = run_parallel(
        open_device, IMAGE, X, jobs, lambda text, done, total: seen.append((done, total)),
        batch=batch,
    )  # fmt: skip
    with open_device() as device:
        device.load(IMAGE)
        assert np.array_equal(run.outputs, device.run(X))
    assert run.done.all()
    assert (run.cycles, run.counters) == (50, {"images": 50})
    assert run.jobs == min(jobs, 13)
    assert seen == sorted(seen)
    assert seen[-1] == (50, 50)


def test_no_images():
    run = run_parallel(open_device, IMAGE, X[:0], 4)
    assert run.outputs.shape == (0, 5)
    assert run.jobs == 1


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True])
def test_jobs_is_a_whole_number(jobs):
    with pytest.raises(CelosiaError, match="jobs = "):
        run_parallel(open_device, IMAGE, X, jobs)


@pytest.mark.parametrize("batch", [0, 5])
def test_batch_is_checked_here(batch):
    with pytest.raises(CelosiaError, match=f"batch = {batch} is outside 1..4"):
        run_parallel(open_device, IMAGE, X, 2, batch=batch)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("refuse", "engine: no more; rest"),
        ("die", "died with exit code 3"),
        ("kill", "was killed, as systems do that run out of memory; try fewer jobs"),
        ("memory", "a worker process: not enough memory; try fewer jobs"),
        ("disk", "/some/where: No space left on device"),
    ],
)
def test_a_worker_that_fails_ends_the_run(how, says):
    # The second share begins with image 24; the first one may be done or not.
    with pytest.raises(WorkerFailed, match=says) as caught:
        run_parallel(partial(StubbornDevice, how, 24), IMAGE, X, 2)
    assert not caught.value.run.done[24:].any()


def test_what_was_done_before_a_failure_is_kept():
    with pytest.raises(WorkerFailed, match=r"no more.*after 40 of 50 images") as caught:
        run_parallel(partial(StubbornDevice, "refuse", 41), IMAGE, X, 1)
    run = caught.value.run
    assert np.array_equal(np.flatnonzero(run.done), np.arange(40))
    with open_device() as device:
        device.load(IMAGE)
        assert np.array_equal(run.outputs[:40], device.run(X[:40]))


class Deadly:
    """What no worker survives receiving."""

    def __call__(self):
        raise AssertionError

    def __reduce__(self):
        return _die, ()


def _die():
    # Not `os._exit` itself, which cannot be pickled while coverage is measured.
    os._exit(3)


#: More than a pipe holds.
MANY = np.tile(X, (100, 1))


def test_a_worker_that_dies_while_it_starts():
    with pytest.raises(WorkerFailed, match="died with exit code 3"):
        run_parallel(Deadly(), IMAGE, MANY, 2)


def test_a_script_without_its_guard_is_told(tmp_path):
    """Each worker runs the script again, and dies of it."""
    IMAGE.save(tmp_path / "image.celosia")
    np.save(tmp_path / "x.npy", MANY)
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, numpy as np\n"
        "from functools import partial\n"
        "from celosia import driver\n"
        "from celosia.compiler.image import Image\n"
        "from celosia.driver.parallel import run_parallel\n"
        f"image = Image.load({str(tmp_path / 'image.celosia')!r})\n"
        f"x = np.load({str(tmp_path / 'x.npy')!r})\n"
        "run_parallel(partial(driver.open, 'golden', image.config), image, x, 2)\n"
    )
    ran = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=False
    )
    assert "died with exit code 1" in ran.stderr and "if __name__ == '__main__':" in ran.stderr


def test_a_bug_in_a_worker_keeps_its_traceback():
    with pytest.raises(RuntimeError, match="ZeroDivisionError: of mine"):
        run_parallel(partial(StubbornDevice, "bug", 49), IMAGE, X, 2)


#: Starts workers that never end, and says their numbers.
_PARENT = """\
import os, sys, time
from functools import partial
from multiprocessing import active_children
from tests.sw.driver.test_parallel import IMAGE, X, StubbornDevice
from celosia.driver.parallel import run_parallel

class Slow(StubbornDevice):
    def stream(self, x, **options):
        for block in super().stream(x, **options):
            time.sleep(0.2)
            yield block

def say(text, done, total):
    print(*(child.pid for child in active_children()), flush=True)

if __name__ == "__main__":
    run_parallel(partial(Slow, "sleep", 49), IMAGE, X, 2, say, batch=1)
"""


def test_workers_of_a_killed_run_end(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, script]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    workers = list(map(int, parent.stdout.readline().split()))
    assert len(workers) == 2 and all(map(alive, workers))
    parent.kill()
    parent.communicate()
    wait_until(lambda: not any(map(alive, workers)))


def test_ctrl_c_ends_the_workers_and_keeps_what_is_done():
    # The first share arrives while the second worker sleeps; then the user has had enough.
    def progress(text, done, total):
        if done == 24:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    start = time.monotonic()
    with pytest.raises(Interrupted, match="after 24 of 50 images") as caught:
        run_parallel(partial(StubbornDevice, "sleep", 24), IMAGE, X, 2, progress)
    assert time.monotonic() - start < 20
    assert np.array_equal(np.flatnonzero(caught.value.run.done), np.arange(24))
