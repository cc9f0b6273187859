"""Whether an engine still holds the program image that was loaded into it."""

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np

from celosia.compiler.image import Image
from celosia.model.memories import stored
from celosia.spec import Memory, record
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from .frames import pad_records

__all__ = ["find_difference"]

#: Bytes of records that one request sums up: more of them would leave a slow engine silent for so
#: long that it seems to hang.
_STEP = 1 << 16


def find_difference(
    image: Image, checksum: Callable[[Memory, int, int], int], progress: Progress = silent
) -> None:
    """Refuse an engine whose memories do not hold ``image``.

    Parameters
    ----------
    checksum : of memory, address and count: what the engine sums up (`Device.checksum`).

    Raises
    ------
    CelosiaError : naming the first memory that differs, and its first record that does.
    """
    for memory in image.sections:
        shape = record(image.config, memory)
        records = stored(image.config, memory, image.records(memory))
        differs = partial(_differs, image, memory, records, checksum)
        step = max(1, _STEP // shape.size)
        for start in range(0, len(records), step):
            progress(f"verifying {memory.name.lower()}", start, len(records))
            count = min(step, len(records) - start)
            if differs(start, count):
                raise CelosiaError(
                    f"record {_first(differs, start, count)} differs from the program image",
                    where=f"engine, {shape.title}",
                    todo="load the image again; if it differs again, the memory is faulty or the "
                    "clock too fast",
                )


def _differs(
    image: Image,
    memory: Memory,
    records: np.ndarray,
    checksum: Callable[[Memory, int, int], int],
    start: int,
    count: int,
) -> bool:
    """Whether the engine sums up something else than ``count`` ``records`` from ``start``."""
    part = pad_records(records[start : start + count], image.config.link_bytes)
    return zlib.crc32(part) != checksum(memory, start, count)


def _first(differs: Callable[[int, int], bool], start: int, count: int) -> int:
    """The first record that differs, of ``count`` from ``start`` among which one does."""
    while count > 1:
        half = count // 2
        if differs(start, half):
            count = half
        else:
            start, count = start + half, count - half
    return start
