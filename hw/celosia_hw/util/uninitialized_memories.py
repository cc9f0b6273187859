"""Memories without initial contents, which Amaranth would spell out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from amaranth.back.rtlil import ModuleEmitter

__all__ = ["uninitialized_memories"]

_LOCK = threading.Lock()


@contextmanager
def uninitialized_memories() -> Iterator[None]:
    """A context in which memories converted to RTLIL have undefined initial contents.

    Amaranth spells out zeros bit by bit for every word of a memory, which takes four fifths of the
    time to convert an engine. The engine never reads what was not written, and some block RAM
    (iCE40 SPRAM) has no initial contents. The version of Amaranth is pinned, so its private half
    can be relied on.
    """
    with _LOCK:
        before = ModuleEmitter.emit_memory
        ModuleEmitter.emit_memory = lambda self, cell_idx, cell: None
        try:
            yield
        finally:
            ModuleEmitter.emit_memory = before
