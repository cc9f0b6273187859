"""Operators that only move data. Of values, axis 0 is the batch, which stays where it is."""

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeVar, cast

import numpy as np

from celosia.importer.values import Base, Value
from celosia.importer.values.simplify import simplified
from celosia.network.float_layers import FloatConcatenation, FloatDense
from celosia.network.functions import X
from celosia.support.errors import CelosiaError, Unsupported

from .constants import BATCH, Operand, is_constant

__all__ = [
    "concatenate",
    "expand_dims",
    "flatten",
    "gather",
    "moved",
    "reshape",
    "shape_of",
    "slices",
    "split",
    "squeeze",
    "transpose",
]

_Given = TypeVar("_Given", bound=Operand)
#: Axes and parts of a tensor at most.
_MOST = 8


def moved(x: _Given, move: Callable[[np.ndarray], np.ndarray]) -> _Given:
    """``move`` of a constant, or of a value's order.

    Raises
    ------
    CelosiaError : there are no such axes.
    """
    try:
        if isinstance(x, Value):
            return cast(_Given, x.moved(move(x.order)))
        result = move(cast(np.ndarray, x))
    except (ValueError, IndexError, np.exceptions.AxisError) as error:
        shape = list(x.order.shape if isinstance(x, Value) else np.shape(x))
        raise CelosiaError(f"axes or sizes do not fit {shape}") from error
    if result.ndim > _MOST:
        raise CelosiaError(f"{result.ndim} axes are more than {_MOST}")
    return cast(_Given, result)


def shape_of(x: Operand) -> np.ndarray:
    """int64, the sizes of all axes, with `BATCH` for that of the batch."""
    return np.array([BATCH, *x.shape] if isinstance(x, Value) else np.shape(x), np.int64)


def reshape(x: _Given, sizes: Sequence[int]) -> _Given:
    """``x`` with axes of these sizes; -1 for what is left.

    Raises
    ------
    CelosiaError : the sizes do not hold its values.
    Unsupported : values of different images would be in one row.
    """
    sizes = [int(each) for each in sizes]
    if len(sizes) > _MOST:
        raise CelosiaError(f"{len(sizes)} axes are more than {_MOST}")
    if not isinstance(x, Value):
        return cast(_Given, _filled(cast(np.ndarray, x), sizes))
    if not sizes:
        raise Unsupported("to a single number")
    # Every tensor begins with the batch, which may be written as its size, -1 or 1.
    batch, rest = sizes[0], sizes[1:]
    if BATCH in rest or (rest.count(-1) and batch == -1):
        raise Unsupported(f"to {_shown(sizes)}, which has no batch axis first")
    known = prod(each for each in rest if each != -1)
    if rest.count(-1) > 1 or known < 1:
        raise Unsupported(f"to {_shown(sizes)}")
    rest = [x.width // known if each == -1 else each for each in rest]
    if prod(rest) != x.width:
        if batch == -1 or not rest:
            raise Unsupported(f"{list(x.shape)} to {_shown(sizes)}, across the batch axis")
        raise CelosiaError(f"{list(x.shape)} cannot become {_shown(rest)}")
    return moved(x, lambda order: order.reshape(1, *rest))


def _filled(x: np.ndarray, sizes: list[int]) -> np.ndarray:
    if BATCH in sizes:
        raise Unsupported("a constant of the size of the batch")
    try:
        return np.reshape(x, sizes)
    except ValueError as error:
        raise CelosiaError(f"{list(np.shape(x))} cannot become {sizes}") from error


def _shown(sizes: Sequence[int]) -> str:
    return f"[{', '.join('batch' if each == BATCH else str(each) for each in sizes)}]"


def flatten(x: _Given, first: int = 1, last: int = -1) -> _Given:
    """``x`` with the axes from ``first`` to ``last`` as one.

    Raises
    ------
    Unsupported : the batch would be among them.
    """
    sizes = [1, *x.shape] if isinstance(x, Value) else list(x.shape)
    rank = len(sizes)
    if not rank:
        return reshape(x, [1])
    if not (-rank <= first < rank and -rank <= last < rank):
        raise CelosiaError(f"axes {first} to {last} of {rank}")
    first, last = first % rank, last % rank
    if isinstance(x, Value) and not first and last:
        raise Unsupported("from the batch axis on")
    joined = prod(sizes[first : last + 1])
    return reshape(x, [*sizes[:first], joined, *sizes[last + 1 :]])


def transpose(x: _Given, axes: Sequence[int] | None = None) -> _Given:
    """``x`` with its axes in another order; reversed when ``axes`` is None.

    Raises
    ------
    Unsupported : the batch axis does not stay first.
    """
    if isinstance(x, Value):
        rank = len(x.shape) + 1
        order = list(range(rank))[::-1] if axes is None else [int(axis) % rank for axis in axes]
        if order and order[0] != 0:
            raise Unsupported("it moves the batch axis")
        return moved(x, lambda own: own.transpose(order))
    return moved(x, lambda own: own.transpose(None if axes is None else [int(a) for a in axes]))


def squeeze(x: _Given, axes: Sequence[int] | None = None, strict: bool = True) -> _Given:
    """``x`` without axes of size 1, all but the batch when ``axes`` is None.

    Parameters
    ----------
    strict : an axis of another size is an error; else it stays, as in PyTorch.
    """
    if not isinstance(x, Value) and axes is None:
        return moved(x, np.squeeze)
    rank = len(x.shape) + isinstance(x, Value)
    shape = (BATCH, *x.shape) if isinstance(x, Value) else x.shape
    if axes is None:
        chosen = [axis for axis in range(1, rank) if shape[axis] == 1]
    else:
        if any(not -rank <= axis < rank for axis in axes):
            raise CelosiaError(f"axes {list(axes)} of {rank}")
        chosen = sorted({axis % rank for axis in axes})
    if not strict:
        chosen = [axis for axis in chosen if shape[axis] == 1]
    if isinstance(x, Value) and 0 in chosen:
        raise Unsupported("it removes the batch axis")
    return moved(x, lambda own: np.squeeze(own, tuple(chosen)))


def expand_dims(x: _Given, axes: Sequence[int]) -> _Given:
    """``x`` with new axes of size 1, at these places of the result."""
    rank = len(x.shape) + isinstance(x, Value) + len(axes)
    if rank > _MOST:
        raise Unsupported(f"{rank} axes are more than {_MOST}")
    if isinstance(x, Value) and any(int(axis) % rank == 0 for axis in axes):
        raise Unsupported("a new axis before the batch")
    return moved(x, lambda own: np.expand_dims(own, tuple(int(axis) for axis in axes)))


def slices(x: _Given, parts: dict[int, slice]) -> _Given:
    """A part of ``x``: for each axis that is cut, from where to where.

    Raises
    ------
    Unsupported : it leaves out images.
    """
    rank = len(x.shape) + isinstance(x, Value)
    index = [slice(None)] * rank
    for axis, part in parts.items():
        if not -rank <= axis < rank:
            raise CelosiaError(f"axis {axis} of {rank}")
        index[axis % rank] = part
    if isinstance(x, Value):
        first = index[0]
        every = first.stop in (None, BATCH) or first.stop >= (1 << 31) - 1
        if first.start or first.step not in (None, 1) or not every:
            raise Unsupported("it leaves out images of the batch")
        index[0] = slice(None)
    return moved(x, lambda own: own[tuple(index)])


def gather(x: _Given, indices: np.ndarray, axis: int = 0) -> _Given:
    """``x`` at ``indices``, an array of any shape, along ``axis``.

    Raises
    ------
    Unsupported : along the batch.
    """
    rank = len(x.shape) + isinstance(x, Value)
    if not -rank <= axis < rank:
        raise CelosiaError(f"axis {axis} of {rank}")
    if isinstance(x, Value) and axis % rank == 0:
        raise Unsupported("it chooses images of the batch")
    if indices.size * max(1, int(np.prod(x.shape))) > 1 << 24:
        raise Unsupported(f"{indices.size} parts of {list(x.shape)}")
    return moved(x, lambda own: np.take(own, indices, axis))


def split(x: _Given, sizes: Sequence[int], axis: int) -> list[_Given]:
    """``x`` in parts of these ``sizes`` along ``axis``."""
    rank = len(x.shape) + isinstance(x, Value)
    if not -rank <= axis < rank or (isinstance(x, Value) and axis % rank == 0):
        raise Unsupported(f"along axis {axis} of {rank}")
    total = (x.order if isinstance(x, Value) else x).shape[axis]
    if sum(sizes) != total or min(sizes, default=0) < 1 or len(sizes) > 1 << 10:
        raise CelosiaError(f"parts of {list(sizes)[:8]} do not make {total}")
    ends = np.cumsum(sizes).tolist()
    return [slices(x, {axis: slice(e - n, e)}) for e, n in zip(ends, sizes, strict=True)]


def concatenate(parts: Sequence[Operand], axis: int) -> Operand:
    """``parts`` one behind the other along ``axis``.

    Values become one map, their channels side by side; several dense layers of one tensor become
    one layer.

    Raises
    ------
    Unsupported : constants among values, along the batch, or maps of different sizes.
    """
    if not parts:
        raise CelosiaError("nothing to concatenate")
    if is_constant(*parts):
        try:
            return np.concatenate([np.asarray(each) for each in parts], axis)
        except (ValueError, np.exceptions.AxisError) as error:
            raise CelosiaError("its parts do not fit together") from error
    values = [each for each in parts if isinstance(each, Value)]
    if len(values) < len(parts):
        raise Unsupported("it joins constants to a tensor")
    if len(values) == 1:
        return values[0]
    rank = len(values[0].shape) + 1
    if not -rank <= axis < rank or axis % rank == 0:
        raise Unsupported("along the batch axis")
    if one := _one_dense(values):
        made, offsets = one
    else:
        made, offsets = _side_by_side(values)
    orders = []
    for value, offset in zip(values, offsets, strict=True):
        channels, own = value.tensor[0].shape[2], value.order
        orders.append(own // channels * made.base.shape[2] + offset + own % channels)
    try:
        order = np.concatenate(orders, axis)
    except ValueError as error:
        raise CelosiaError("its parts do not fit together") from error
    return made.moved(order)


def _side_by_side(values: list[Value]) -> tuple[Value, list[int]]:
    """Maps with their channels side by side, and where each begins."""
    sources = tuple(each.tensor for each in values)
    sizes = {(base.shape[0], base.shape[1]) for base, _ in sources}
    if len({height * width for height, width in sizes}) != 1:
        found = ", ".join(str(list(size)) for size in sorted(sizes))
        raise Unsupported(f"it joins maps of different sizes: {found}")
    height, width = sources[0][0].shape[:2]
    shapes = tuple((height, width, base.shape[2]) for base, _ in sources)
    ends = np.cumsum([shape[2] for shape in shapes]).tolist()
    walk = values[0].walk
    base = Base(
        FloatConcatenation, (height, width, ends[-1]), sources, {"shapes": shapes}, walk.where
    )
    return Value.of(walk, base), [0, *ends[:-1]]


def _one_dense(values: list[Value]) -> tuple[Value, list[int]] | None:
    """Dense layers of one tensor, followed by one function, as one layer; None for others."""
    bases, functions, sources = [], set(), set()
    for value in values:
        base, f = value.tensor
        scale, shift, inner = simplified(f).without_affine()
        folded = base.folded(np.asarray(scale), np.asarray(shift), value.walk.budget)
        if folded is None or base.kind is not FloatDense or len(base.sources) != 1:
            return None
        bases.append(folded)
        functions.add(inner)
        sources.add(base.sources[0])
    if len(functions) != 1 or len(sources) != 1:
        return None
    weights = np.concatenate([each.parameters["weights"] for each in bases], axis=1)
    bias = np.concatenate([each.parameters["bias"] for each in bases])
    walk = values[0].walk
    walk.budget.spend(weights.size)
    parameters = bases[0].parameters | {"weights": weights, "bias": bias}
    made = Base(FloatDense, (1, 1, len(bias)), bases[0].sources, parameters, bases[0].origin)
    (f,) = functions
    ends = np.cumsum([each.width for each in bases]).tolist()
    value = Value.of(walk, made)
    return (value if f == X else value.expressed(f)), [0, *ends[:-1]]
