"""Reading whole files, of any kind, and writing them whole or not at all."""

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from .errors import CelosiaError

__all__ = ["LARGEST", "atomic_write", "read", "require_writable"]

#: Bytes that are read at most. No model or array that an engine can hold is as large, and a device
#: or pipe may be endless.
LARGEST = 1 << 30
_PIECE = 1 << 20
_PROBE = 1 << 20

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
    """All bytes of the file ``path``.

    Raises
    ------
    CelosiaError : it cannot be read, or is larger than `LARGEST`, 1 GiB.
    """
    try:
        with open(path, "rb") as file:
            data = _bounded(file)
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


def _bounded(file: BinaryIO) -> bytes:
    """At most one byte more than `LARGEST`, in pieces: a single read would allocate all of that."""
    data = bytearray()
    while len(data) <= LARGEST and (piece := file.read(min(_PIECE, LARGEST + 1 - len(data)))):
        data += piece
    return bytes(data)


def atomic_write(path: Path | str, data: bytes, *, todo: str = "choose another folder") -> None:
    """Write ``data`` to ``path`` and create the folders above it; an old file is replaced.

    The bytes are written to a temporary file in the same folder and flushed to the disk; then the
    file is renamed in one step. Any error or Ctrl-C before that removes the temporary file and
    leaves ``path`` unchanged. A device or pipe, such as /dev/null, is written to directly.

    Parameters
    ----------
    path : file to write.
    data : its whole content.
    todo : advice for the user when the file cannot be written.

    Raises
    ------
    CelosiaError : no permission, no space, or another error of the file system.
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
    """Create ``folder`` and check that a file of 1 MiB can be written in it, before long work.

    Raises
    ------
    CelosiaError : they cannot.
    """
    probe = Path(folder) / f".probe.{secrets.token_hex(4)}"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(bytes(_PROBE))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(error, Path(folder), todo) from error


def _refused(error: OSError, path: Path, todo: str) -> CelosiaError:
    what, first = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
    return CelosiaError(
        f"cannot write: {what}", where=str(path), todo=f"{first}, or {todo}" if first else todo
    )
