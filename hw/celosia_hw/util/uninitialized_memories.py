"""Memories without the initial contents that Amaranth would write."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from amaranth.back.rtlil import ModuleEmitter

__all__ = ["no_contents"]

_LOCK = threading.Lock()


@contextmanager
def no_contents() -> Iterator[None]:
    """What is converted to RTLIL meanwhile has memories that start with anything.

    Amaranth spells out zeros bit by bit for every word of a memory, which takes four fifths of the
    time to convert an engine. The engine never reads what was not written, and block RAM without
    initial contents (iCE40 SPRAM) could not have them. The version of Amaranth is pinned, so its
    private half can be relied upon.
    """
    with _LOCK:
        before = ModuleEmitter.emit_memory
        ModuleEmitter.emit_memory = lambda self, cell_idx, cell: None
        try:
            yield
        finally:
            ModuleEmitter.emit_memory = before
