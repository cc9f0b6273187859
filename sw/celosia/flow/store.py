"""The user's cache of netlists and placements, each under a hash of all that determines it."""

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

from celosia.support.cache import CACHE_TODO, cache_dir, locked
from celosia.support.files import require_writable

from .tools import Watch

__all__ = ["being_made", "key_of", "store"]


def store() -> Path:
    """The folder, created if it does not exist.

    Raises
    ------
    CelosiaError : it is not writable.
    """
    folder = cache_dir() / "flow"
    require_writable(folder, todo=CACHE_TODO)
    return folder


def key_of(*parts: object) -> str:
    """Hash of ``parts`` as text: 32 hexadecimal digits."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def being_made(key: str, watch: Watch) -> AbstractContextManager[None]:
    """Hold the lock of the entry ``key``: one process makes it while others wait."""
    return locked(
        store() / f"{key}.lock", lambda waited: watch("waiting for another process", waited, "")
    )
