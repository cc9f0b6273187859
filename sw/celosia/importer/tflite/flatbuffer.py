"""A bounds-checked reader of FlatBuffers: any bytes give values or a CelosiaError, nothing else.

The format (https://flatbuffers.dev/internals/): all integers little endian; a *table* starts with
the signed distance back to its *vtable*, which holds its own size, the table's size and, for each
field, the field's offset in the table or 0 when it is absent; strings, vectors and sub-tables are
reached by unsigned offsets relative to where they are stored. Offsets only point forward, so a walk
that follows a fixed schema ends; sizes are checked against the file before anything is allocated.
Many tables may share one vector, so all that is read is charged to a `Budget`.
"""

import struct
from dataclasses import dataclass
from mmap import mmap
from typing import Any

import numpy as np

from celosia.importer.guard import Budget
from celosia.support.errors import CelosiaError

__all__ = ["Bytes", "Table", "root"]

#: A file in memory, or mapped.
Bytes = bytes | mmap

_TODO = "check that the file is a complete .tflite file"


def root(data: Bytes, identifier: bytes) -> "Table":
    """The root table of a buffer with the 4-byte file identifier ``identifier``.

    Raises
    ------
    CelosiaError : ``data`` is too short or has another identifier.
    """
    if len(data) < 8 or data[4:8] != identifier:
        raise CelosiaError(f"no {identifier.decode()} identifier in the file", todo=_TODO)
    budget = Budget.of_file(len(data), "its parts overlap far beyond the file's size", _TODO)
    return Table(data, _follow(data, 0), budget)


@dataclass(frozen=True)
class Table:
    """A table at byte ``position`` of ``data``. Fields are numbered from 0 in schema order.

    Every accessor gives its default for an absent field and raises CelosiaError for one that
    reaches beyond the file, or beyond ``budget``, in bytes.
    """

    data: Bytes
    position: int
    budget: Budget

    def fields(self) -> list[int]:
        """The fields that are present, those of later schemas among them."""
        vtable = self.position - _unpack(self.data, self.position, "i")
        count = max(_unpack(self.data, vtable, "H") - 4, 0) // 2
        self.budget.spend(2 * count)
        return [field for field in range(count) if self._field(field) is not None]

    def scalar(self, field: int, form: str, default: Any = 0) -> Any:
        """The field as ``form``, a `struct` format character: ``i`` int32, ``f`` float32, ..."""
        at = self._field(field)
        return default if at is None else _unpack(self.data, at, form)

    def table(self, field: int) -> "Table | None":
        at = self._field(field)
        return None if at is None else Table(self.data, _follow(self.data, at), self.budget)

    def tables(self, field: int, limit: int = 65536) -> list["Table"]:
        """A vector of tables; one of more than ``limit`` counts as damage."""
        at = self._field(field)
        if at is None:
            return []
        start, count = self._vector(at, 4)
        if count > limit:
            raise CelosiaError(f"a list of {count} tables exceeds {limit}", todo=_TODO)
        # About what it costs to look into a table; the smallest one takes fewer bytes in a file.
        self.budget.spend(256 * count)
        return [
            Table(self.data, _follow(self.data, start + 4 * n), self.budget) for n in range(count)
        ]

    def array(self, field: int, dtype: str) -> np.ndarray | None:
        """A vector of scalars as a read-only view of the file; None when absent."""
        at = self._field(field)
        if at is None:
            return None
        kind = np.dtype(dtype).newbyteorder("<")
        start, count = self._vector(at, kind.itemsize)
        return np.frombuffer(self.data, kind, count, start)

    def text(self, field: int) -> str:
        """The printable part of a string of at most 256 bytes, invalid UTF-8 replaced."""
        raw = self.array(field, "u1")
        if raw is None:
            return ""
        raw = raw[:256]
        return "".join(c for c in raw.tobytes().decode("utf-8", "replace") if c.isprintable())

    def _field(self, field: int) -> int | None:
        vtable = self.position - _unpack(self.data, self.position, "i")
        size = _unpack(self.data, vtable, "H")
        # A vtable is its own size and the table's, 4 bytes, then 2 bytes a field.
        slot = 4 + 2 * field
        if slot + 2 > size:
            return None
        offset = _unpack(self.data, vtable + slot, "H")
        return self.position + offset if offset else None

    def _vector(self, at: int, item: int) -> tuple[int, int]:
        start = _follow(self.data, at)
        count = _unpack(self.data, start, "I")
        if start + 4 + count * item > len(self.data):
            raise CelosiaError(
                f"{count} items of {item} bytes at byte {start} reach beyond the file's "
                f"{len(self.data)} bytes",
                todo=_TODO,
            )
        self.budget.spend(count * item)
        return start + 4, count


def _follow(data: Bytes, at: int) -> int:
    """The position that the unsigned offset stored at ``at`` points to."""
    return at + _unpack(data, at, "I")


def _unpack(data: Bytes, at: int, form: str) -> Any:
    """The number of `struct` format ``form`` at byte ``at``."""
    form = "<" + form
    if at < 0 or at + struct.calcsize(form) > len(data):
        raise CelosiaError(f"an offset points to byte {at} of {len(data)}", todo=_TODO)
    return struct.unpack_from(form, data, at)[0]
