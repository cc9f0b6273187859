"""Reading a file whole, whatever is behind its name, and writing one whole or not at all."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from .errors import CelosiaError

__all__ = ["LARGEST", "atomic_write", "read", "require_writable"]

#: Bytes that are read at the most. No model or array that an engine can hold is as large, and a
#: device or a pipe may have no end.
LARGEST = 1 << 30

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("your disk quota is used up", "free some space"),
    errno.EACCES: ("no permission to write here", ""),
    errno.EPERM: ("no permission to write here", ""),
    errno.EROFS: ("the file system is read-only", ""),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", ""),
    errno.EEXIST: ("this path is a file, not a folder", ""),
}


def read(path: Path | str) -> bytes:
    """All bytes of a file.

    Raises
    ------
    CelosiaError : it cannot be read, or is larger than `LARGEST`, which is 1 GiB.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "out of memory"
        raise CelosiaError(
            f"cannot read: {reason}", where=str(path), todo="check the path"
        ) from error
    if len(data) > LARGEST:
        raise CelosiaError(
            f"more than {LARGEST:,} bytes", where=str(path), todo="check that it is the right file"
        )
    return data


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


def require_writable(folder: Path, *, todo: str = "choose another folder") -> None:
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
