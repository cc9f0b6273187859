"""Ports of simulated boards, so that ``--port auto`` finds them: one link each in the cache."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from celosia.support.cache import CACHE_TODO, cache_dir
from celosia.support.errors import CelosiaError

__all__ = ["announced", "simulated_ports"]


def _folder() -> Path:
    return cache_dir() / "boards"


@contextlib.contextmanager
def announced(port: str) -> Iterator[None]:
    """Let `simulated_ports` name ``port`` meanwhile.

    Raises
    ------
    CelosiaError : the cache cannot be written.
    """
    link = _folder() / f"{os.getpid()}-{Path(port).name}"
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(port)
    except OSError as error:
        raise CelosiaError(
            f"cannot write: {error.strerror}", where=str(link), todo=CACHE_TODO
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            link.unlink()


def simulated_ports() -> list[str]:
    """Ports of the simulated boards of this user that are running now, sorted.

    What a process that was killed has left is removed: its terminal may be another program's now.
    """
    found = []
    with contextlib.suppress(OSError, CelosiaError):
        for link in _folder().iterdir():
            if _runs(link.name.partition("-")[0]):
                found.append(os.readlink(link))
            else:
                link.unlink()
    return sorted(found)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return False  # the number is another user's process by now
    return True
