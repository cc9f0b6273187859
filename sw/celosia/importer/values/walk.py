"""What all values of one file share, and the order in which its input is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from celosia.importer.guard import Budget
from celosia.network.layers import Shape
from celosia.support.errors import Unsupported

if TYPE_CHECKING:
    from .value import Value

__all__ = ["Layout", "Walk", "WantsLayout", "in_layout"]

_Made = TypeVar("_Made")

#: Values of all tensors of a file together; each costs memory and time whatever the file's size.
_MOST_VALUES = 1 << 27


@dataclass(frozen=True, eq=False)
class Layout:
    """How the graph sees the model's input.

    Parameters
    ----------
    shape : (height, width, channels) of the graph's input.
    order : int64, for each of its values, in the order (y, x, channel), the place in the model's
        own flat input.
    """

    shape: Shape
    order: np.ndarray


class WantsLayout(Exception):
    """An operator reads the input as a map that it is not yet; `in_layout` starts again with it."""

    def __init__(self, layout: Layout):
        super().__init__()
        self.layout = layout


class Walk:
    """What all values of one file share.

    Parameters
    ----------
    size : of the file in bytes.
    layout : of the input; None for a vector in the model's own order.

    Attributes
    ----------
    budget : of the numbers that are computed while the file is read.
    maps : of the values that its tensors have, which a small file may have many of.
    where : the operator that is read, for the layers that come of it.
    passed : (operator, what became of it) for the operators that leave nothing to compute, in the
        order of the walk.
    notes : remarks for the user.
    """

    def __init__(self, size: int, layout: Layout | None = None):
        self.budget = Budget.of_file(size, "its tensors are used far beyond the file's size")
        self.maps = Budget(_MOST_VALUES, "its tensors have more values than any engine computes")
        self.layout = layout
        self.where = ""
        self.passed: list[tuple[str, str]] = []
        self.notes: list[str] = []

    def note(self, where: str, before: "Value", after: "Value") -> None:
        """Add operator ``where`` to `passed` if turning ``before`` into ``after`` is free."""
        if after.function != before.function or after.final != before.final:
            return
        same_base = after.base is before.base
        if same_base and after.scale is before.scale and after.shift is before.shift:
            same = after.shape == before.shape
            self.passed.append((where, "changes nothing" if same else "changes only the shape"))
        elif same_base or (before.base.kind and before.base.origin == after.base.origin):
            self.passed.append((where, "folded into a linear layer"))


def in_layout(size: int, make: Callable[[Walk], _Made]) -> _Made:
    """``make(walk)``, with the input in the layout that its first reader of maps wants.

    Parameters
    ----------
    size : of the file in bytes.

    Raises
    ------
    Unsupported : its readers want different layouts.
    """
    try:
        return make(Walk(size))
    except WantsLayout as wish:
        layout = wish.layout
    try:
        return make(Walk(size, layout))
    except WantsLayout as other:
        raise Unsupported(
            f"its input is read as a map {list(layout.shape)} and as another one, "
            f"{list(other.layout.shape)}"
        ) from None
