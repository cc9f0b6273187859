"""The user's cache folder, and writing a file so that it is either whole or not there."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from .errors import CelosiaError

__all__ = ["CACHE_TODO", "atomic_write", "cache_dir", "require_writable"]

#: What a user can do when the cache cannot be written.
CACHE_TODO = "set CELOSIA_CACHE to a folder you can write"

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("your disk quota is used up", "free some space"),
    errno.EACCES: ("no permission to write here", ""),
    errno.EPERM: ("no permission to write here", ""),
    errno.EROFS: ("the file system is read-only", ""),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", ""),
    errno.EEXIST: ("this path is a file, not a folder", ""),
}


def cache_dir() -> Path:
    """The folder for what can be fetched or computed again. It may not exist yet.

    The first of ``$CELOSIA_CACHE``, ``$XDG_CACHE_HOME/celosia`` and ``~/.cache/celosia``. Empty
    variables count as unset, and so does a relative ``XDG_CACHE_HOME``, as its standard asks.

    Raises
    ------
    CelosiaError : there is neither a variable nor a home folder.
    """
    try:
        if own := os.environ.get("CELOSIA_CACHE"):
            return Path(own).expanduser()
        xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "celosia"
    except RuntimeError as error:
        raise CelosiaError("no home folder to keep a cache in", todo=CACHE_TODO) from error


def atomic_write(path: Path | str, data: bytes, *, todo: str = "choose another folder") -> None:
    """Write `data` to `path`, making the folders above it; an old file is replaced.

    The bytes go to a temporary file in the same folder, reach the disk, and then take the name in
    one step. Any error or Ctrl-C on the way removes the temporary file and leaves `path` as it was.
    A device or pipe, such as /dev/null, is written to and stays what it is.

    Parameters
    ----------
    path : file to write.
    data : all of its bytes.
    todo : advice for the user when the file cannot be written.

    Raises
    ------
    CelosiaError : no permission, no space, or any other refusal of the file system.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return
        try:
            with open(part, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise _refused(error, path, todo) from error


def require_writable(folder: Path, *, todo: str = CACHE_TODO) -> None:
    """Make `folder` and check that a file can be written in it: before long work, not after.

    Raises
    ------
    CelosiaError : it cannot.
    """
    probe = Path(folder) / f".probe.{secrets.token_hex(4)}"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"?")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(error, Path(folder), todo) from error


def _refused(error: OSError, path: Path, todo: str) -> CelosiaError:
    what, first = _REASONS.get(error.errno, (error.strerror or str(error), ""))
    return CelosiaError(
        f"cannot write: {what}", where=str(path), todo=f"{first}, or {todo}" if first else todo
    )
