"""Reading a file whole, whatever is behind its name."""

from pathlib import Path

from .errors import CelosiaError

__all__ = ["LARGEST", "read"]

#: Bytes that are read at the most. No model or array that an engine can hold is as large, and a
#: device or a pipe may have no end.
LARGEST = 1 << 30


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
