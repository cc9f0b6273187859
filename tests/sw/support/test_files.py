"""Files are read whole or refused in one line, whatever is behind their names."""

import os
import subprocess
import sys
import threading

import pytest

from celosia.support import files
from celosia.support.errors import CelosiaError
from celosia.support.files import read


def test_all_of_it(tmp_path):
    path = tmp_path / "file"
    for data in (b"", b"\0some bytes\xff"):
        path.write_bytes(data)
        assert read(path) == read(str(path)) == data


def test_as_large_as_allowed_and_larger(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1000)
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    assert len(read(path)) == 1000
    path.write_bytes(bytes(1001))
    with pytest.raises(CelosiaError, match=r"file: more than 1,000 bytes; check"):
        read(path)


def test_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"through it",))
    writer.start()
    assert read(path) == b"through it"
    writer.join()


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file"), ("", "Is a directory")])
def test_what_cannot_be_read(tmp_path, name, reason):
    with pytest.raises(CelosiaError, match=f"cannot read: {reason}"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    "command",
    [
        ["info", "/dev/zero"],
        ["run", "/dev/zero", "--input", "x.npy"],
        ["compile", "/dev/zero", "-o", "x.celosia"],
        ["quantize", "/dev/zero", "--calibrate", "x.npy", "-o", "x.npz"],
    ],
)
def test_a_file_without_an_end(command, tmp_path):
    """And with less memory than it would take."""
    limited = ["sh", "-c", f'ulimit -v {1 << 20}; exec "$@"', "sh"]  # KiB
    done = subprocess.run(
        [*limited, sys.executable, "-m", "celosia", *command],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert "/dev/zero: cannot read: out of memory" in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_a_small_file_needs_little_memory(tmp_path):
    (tmp_path / "image").write_bytes(bytes(14_000))
    code = (
        "import resource, sys; from celosia.support.files import read;"
        "resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20));"
        "print(len(read(sys.argv[1])))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "image"], capture_output=True, text=True
    )
    assert ran.stdout == "14000\n", ran.stderr
