"""What the tools made, kept in the user's cache under a hash of all that determines it."""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celosia.support.cache import cache_dir, require_writable

from .tools import Watch

__all__ = ["key_of", "locked", "store"]


def store() -> Path:
    """The folder, made when it is not there.

    Raises
    ------
    CelosiaError : it cannot be written.
    """
    folder = cache_dir() / "flow"
    require_writable(folder)
    return folder


def key_of(*parts: object) -> str:
    """A name for what ``parts`` determine."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


@contextmanager
def locked(path: Path, watch: Watch) -> Iterator[None]:
    """Hold the lock file ``path``. The system releases it however this process ends."""
    began = time.monotonic()
    with open(path, "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # Not by a call that waits: it could not be stopped in a thread.
                watch("waiting for another process", time.monotonic() - began, "")
                time.sleep(0.5)
        yield
