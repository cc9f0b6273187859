"""Compilers of a build that is killed."""

import os
import signal
import subprocess
import sys

from tests.helpers.processes import alive, wait_until

from celosia.support.guard import Guard

#: Starts a guarded process with a child of its own, says their numbers, and waits.
_BUILD = """\
import subprocess, sys, time
from celosia.support.guard import Guard

with Guard(sys.argv[1]) as guard:
    command = ["/bin/sh", "-c", "sleep 100 & echo $!; wait"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0)
    guard.watch(process.pid)
    print(process.pid, process.stdout.readline().decode().strip(), flush=True)
    time.sleep(100)
"""


def test_a_killed_build_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "fast.cpp").write_text("")
    command = [sys.executable, "-c", _BUILD, str(folder)]
    build = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    compilers = list(map(int, build.stdout.readline().split()))
    assert len(compilers) == 2 and all(map(alive, compilers)) and folder.exists()
    os.kill(build.pid, signal.SIGKILL)
    build.communicate()
    wait_until(lambda: not any(map(alive, compilers)) and not folder.exists())


def test_otherwise_it_does_nothing(tmp_path):
    (tmp_path / "kept").write_text("")
    with Guard(str(tmp_path)) as guard:
        guard.watch(os.getpid())
        guard.forget()
    assert (tmp_path / "kept").exists()
