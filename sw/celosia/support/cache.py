"""The user's cache: its folder, and a lock so that only one process makes an entry."""

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import CelosiaError
from .files import atomic_write

__all__ = ["CACHE_TODO", "cache_dir", "keep", "kept", "locked"]

#: What a user can do when the cache cannot be written.
CACHE_TODO = "set CELOSIA_CACHE to a folder you can write"


def cache_dir() -> Path:
    """The folder for data that can be fetched or computed again. It may not exist yet.

    The first of ``$CELOSIA_CACHE``, ``$XDG_CACHE_HOME/celosia`` and ``~/.cache/celosia``. Empty
    variables count as unset, and so does a relative ``XDG_CACHE_HOME``, as its standard asks.

    Raises
    ------
    CelosiaError : no variable is set and there is no home folder.
    """
    try:
        if own := os.environ.get("CELOSIA_CACHE"):
            return Path(own).expanduser()
        xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "celosia"
    except RuntimeError as error:
        raise CelosiaError("no home folder to keep a cache in", todo=CACHE_TODO) from error


def keep(path: Path, data: bytes) -> None:
    """Write the entry ``path`` of the cache and, beside it, its checksum.

    Raises
    ------
    CelosiaError : it cannot be written.
    """
    atomic_write(path, data, todo=CACHE_TODO)
    atomic_write(_checksum(path), hashlib.sha256(data).hexdigest().encode(), todo=CACHE_TODO)


def kept(path: Path) -> bytes | None:
    """What `keep` wrote; None if it is not there, or was damaged since: then make it again."""
    try:
        data, digest = path.read_bytes(), _checksum(path).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest().encode() == digest else None


def _checksum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock file ``path``; the system releases it in whatever way this process ends.

    While another process holds it, ``waiting`` is called ten times a second with the seconds waited
    so far. (A blocking call could not be stopped when it runs in a thread.)

    Raises
    ------
    CelosiaError : the lock file cannot be opened.
    """
    began = time.monotonic()
    try:
        opened = open(path, "w")  # noqa: SIM115
    except OSError as error:
        raise CelosiaError(
            f"cannot lock: {error.strerror}", where=str(path), todo=CACHE_TODO
        ) from error
    with opened as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting(time.monotonic() - began)
                time.sleep(0.1)
        yield
