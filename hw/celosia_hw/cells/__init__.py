"""Everything that differs by technology: multipliers, memories, queues and bit functions.

A component asks `cells_of` for the cells to build with. The rest of the engine is the same logic
everywhere. All technologies behave the same, cycle by cycle.
"""

from types import ModuleType

from . import ecp5, ecp5_packed, gowin, ice40, portable, simulation

__all__ = ["TECHNOLOGIES", "Technology", "cells_of"]

#: Name -> module with the classes ``Products``, ``Product16``, ``Product32``, ``Queue``,
#: ``WeightMemory``, ``DualPortMemory`` and ``RowMemories``, and the bit functions ``bits``.
TECHNOLOGIES: dict[str, ModuleType] = {
    "portable": portable,
    "ecp5": ecp5,
    "ecp5-packed": ecp5_packed,
    "ice40": ice40,
    "gowin": gowin,
    "simulation": simulation,
}


class Technology:
    """The platform argument of `elaborate` that selects cells.

    Parameters
    ----------
    name : one of `TECHNOLOGIES`; ``portable`` leaves the choice of cells to synthesis, and
        ``simulation`` is for no device.

    Raises
    ------
    ValueError : there is no such technology.
    """

    def __init__(self, name: str):
        if name not in TECHNOLOGIES:
            raise ValueError(f"unknown technology {name!r}; known: {', '.join(TECHNOLOGIES)}")
        self.technology = name


def cells_of(platform) -> ModuleType:
    """The cells for what is elaborated for ``platform``; portable ones when that says nothing."""
    return TECHNOLOGIES[getattr(platform, "technology", "portable")]
