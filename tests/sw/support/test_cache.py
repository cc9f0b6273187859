"""The cache folder, and files that are whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from celosia.support.cache import cache_dir, keep, kept, locked
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, require_writable


def test_folder_order(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("CELOSIA_CACHE", "/own")
    assert cache_dir() == Path("/own")
    monkeypatch.setenv("CELOSIA_CACHE", "")
    assert cache_dir() == Path("/xdg/celosia")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == tmp_path / ".cache/celosia"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == tmp_path / ".cache/celosia"
    monkeypatch.setenv("CELOSIA_CACHE", "~/mine")
    assert cache_dir() == tmp_path / "mine"


def test_no_home(monkeypatch):
    def nobody():
        raise RuntimeError("no home")

    monkeypatch.delenv("CELOSIA_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(CelosiaError, match="no home folder.*CELOSIA_CACHE"):
        cache_dir()


def test_write_and_replace(tmp_path):
    path = tmp_path / "a/b/file"
    atomic_write(path, b"one")
    atomic_write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error, words",
    [
        (OSError(errno.ENOSPC, "x"), "the disk is full; free some space, or do this"),
        (OSError(errno.EACCES, "x"), "no permission to write here; do this"),
        (OSError(errno.EROFS, "x"), "the file system is read-only; do this"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error; do this"),
    ],
)
def test_refusal_leaves_the_old_file(tmp_path, monkeypatch, step, error, words):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def refuse(*_):
        raise error

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(CelosiaError) as caught:
        atomic_write(path, b"new", todo="do this")
    assert str(caught.value) == f"{path}: cannot write: {words}"
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "file", b"new")
    assert not list(tmp_path.iterdir())


def test_file_in_the_way(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CelosiaError, match="is a file, not a folder"):
        atomic_write(tmp_path / "file/below", b"")
    with pytest.raises(CelosiaError, match="is a file, not a folder; choose another folder"):
        require_writable(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CelosiaError, match="folder: cannot write"):
        atomic_write(tmp_path / "folder", b"")


def test_require_writable_leaves_an_empty_folder(tmp_path):
    require_writable(tmp_path / "a/b")
    assert not list((tmp_path / "a/b").iterdir())


def test_devices_are_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    atomic_write(pipe, b"data")
    assert os.read(reader, 9) == b"data"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_full_device():
    with pytest.raises(CelosiaError, match="/dev/full: cannot write: the disk is full"):
        atomic_write("/dev/full", b"data")


def test_entries_are_kept_with_a_checksum(tmp_path):
    path = tmp_path / "entry.so"
    assert kept(path) is None
    keep(path, b"a library")
    assert kept(path) == b"a library"
    keep(path, b"another")
    assert kept(path) == b"another"


@pytest.mark.parametrize("damaged", [b"", b"a librar", b"a librarz", b"a library\0"])
def test_damaged_entries_are_as_good_as_none(tmp_path, damaged):
    path = tmp_path / "entry.so"
    keep(path, b"a library")
    path.write_bytes(damaged)
    assert kept(path) is None


def test_an_entry_without_its_checksum_is_none(tmp_path):
    path = tmp_path / "entry.so"
    path.write_bytes(b"a library")
    assert kept(path) is None


def test_a_lock_of_another_user(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refuse)
    with (
        pytest.raises(CelosiaError, match=r"cannot lock: Permission denied; .*CELOSIA_CACHE"),
        locked(tmp_path / "x.lock", lambda seconds: None),
    ):
        pass
