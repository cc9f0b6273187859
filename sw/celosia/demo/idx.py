"""IDX, the format of MNIST: a big-endian header, then unsigned bytes, often gzipped."""

import gzip
import io
import math
import zlib

import numpy as np

from celosia.support.errors import CelosiaError

__all__ = ["parse_idx", "unpack"]

_UBYTE = 0x08  # the element type in the third byte of the magic number
_GZIP = b"\x1f\x8b"
_LIMIT = 1 << 30  # bytes; 20 times MNIST's largest file, so that a bad file cannot fill the memory
_TODO = "fetch the file again"


def unpack(raw: bytes, *, where: str) -> bytes:
    """The file's content: ``raw`` itself, or unpacked when it is a gzip file (up to 1 GiB).

    ``where`` names the file in errors, here and in `parse_idx`.

    Raises
    ------
    CelosiaError : the gzip stream is cut short, damaged or too large.
    """
    if not raw.startswith(_GZIP):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            data = stream.read(_LIMIT + 1)
    except EOFError as error:
        raise CelosiaError("the gzip file is cut short", where=where, todo=_TODO) from error
    except (OSError, zlib.error) as error:
        raise CelosiaError(f"damaged gzip file ({error})", where=where, todo=_TODO) from error
    if len(data) > _LIMIT:
        raise CelosiaError("more than 1 GiB of data", where=where, todo="use MNIST's own files")
    return data


def parse_idx(data: bytes, ndim: int, *, where: str) -> np.ndarray:
    """Parse IDX: ``00 00 08 ndim``, then ``ndim`` big-endian uint32 sizes, then bytes in C order.

    Returns
    -------
    uint8 array with ``ndim`` axes, a read-only view of ``data``.

    Raises
    ------
    CelosiaError : the magic number, element type or number of axes is wrong, or the number of bytes
        differs from the sizes.
    """
    if len(data) < 4 or data[:2] != b"\0\0":
        start = data[:4].hex(" ") or "nothing"
        raise CelosiaError(f"not an IDX file: it starts with {start}", where=where, todo=_TODO)
    if data[2] != _UBYTE:
        raise CelosiaError(
            f"IDX element type 0x{data[2]:02x}, not 0x{_UBYTE:02x} (unsigned byte)",
            where=where,
            todo="save the data as bytes 0..255",
        )
    if data[3] != ndim:
        raise CelosiaError(
            f"IDX file with {data[3]} axes, not {ndim}",
            where=where,
            todo="check that image and label files are not swapped",
        )
    header = 4 + 4 * ndim
    if len(data) < header:
        raise CelosiaError(
            f"IDX header cut short: {len(data)} bytes, not {header}", where=where, todo=_TODO
        )
    shape = [int.from_bytes(data[at : at + 4], "big") for at in range(4, header, 4)]
    expected = header + math.prod(shape)
    if len(data) != expected:
        raise CelosiaError(
            f"{len(data)} bytes, but sizes {shape} in its header need {expected}",
            where=where,
            todo=_TODO,
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
