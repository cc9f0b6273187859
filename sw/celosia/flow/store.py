"""What the tools made, kept in the user's cache under a hash of all that determines it."""

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

from celosia.support.cache import CACHE_TODO, cache_dir, locked
from celosia.support.files import require_writable

from .tools import Watch

__all__ = ["being_made", "key_of", "store"]


def store() -> Path:
    """The folder, made when it is not there.

    Raises
    ------
    CelosiaError : it cannot be written.
    """
    folder = cache_dir() / "flow"
    require_writable(folder, todo=CACHE_TODO)
    return folder


def key_of(*parts: object) -> str:
    """A name for what ``parts`` determine."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def being_made(key: str, watch: Watch) -> AbstractContextManager[None]:
    """Hold the lock of what is called ``key``: one process makes it, others wait."""
    return locked(
        store() / f"{key}.lock", lambda waited: watch("waiting for another process", waited, "")
    )
