"""From the last value to the graph of all layers that it needs."""

from dataclasses import replace
from itertools import permutations
from math import prod

import numpy as np

from celosia.network.float_layers import FloatDense, FloatLayer, FloatScale
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import Function, X
from celosia.network.layers import Shape
from celosia.support.errors import Unsupported

from .base import Base, Tensor
from .simplify import simplified
from .value import Value
from .walk import Walk

__all__ = ["assemble", "input_axes", "order_axes"]


def assemble(value: Value, name: str, input_shape: tuple[int, ...]) -> FloatNetwork:
    """The network from the model's input, of shape ``input_shape``, to ``value``.

    Layers are in an order that follows from what they read alone, so that it does not depend on
    the format that the model came in.

    Raises
    ------
    Unsupported : there is no layer, or the result's order is none of a map's axes.
    """
    walk = value.walk
    final, value = value.final, replace(value, final="")
    if value.tensor[0].kind is None and value.tensor[1] == X:
        raise Unsupported("the model has no layer", where=name)
    end, axes = _result(value)
    uses = _uses(end)
    layers: list[FloatLayer] = []
    reads: list[tuple[int, ...]] = []
    numbers: dict[Tensor, int] = {}
    for base, functions in uses.items():
        _append(base, functions, layers, reads, numbers)
    origins = {layer.origin for layer in layers}
    notes = list(walk.notes)
    if not value.shape:
        notes.append("the model's result has no axis beside the batch, here it has one of size 1")
    return FloatNetwork(
        name,
        tuple(layers),
        input_shape,
        value.shape or (1,),
        final,
        notes=tuple(notes),
        passed=tuple(each for each in walk.passed if each[0] not in origins),
        reads=tuple(reads),
        input_axes=input_axes(walk, input_shape),
        output_axes=axes,
    )


def _result(value: Value) -> tuple[Tensor, tuple[int, ...]]:
    """What the model gives, with factors that the host computes, and the order of its axes."""
    base, order = value.base, value.order.ravel()
    if base.kind is FloatDense and not np.array_equal(order, np.arange(base.width)):
        value, order = _dense_in_order(value), np.arange(len(order))
    if value.apart is not None:
        first, scale, shift = value.apart
        scale, shift = scale * value.scale, shift * value.scale + value.shift
        end: Tensor = value.scaled((first, X), scale, shift), X
    else:
        one = value.settled
        bias = one.scale == 1 and one.base.linear
        if one._unscaled or bias or not (one.function == X or one.function.limits):
            end = Value(one.walk, one.base, one.order, one.function, one.scale, one.shift).tensor
        else:
            end = one.scaled((one.base, one.function), one.scale, one.shift), X
    return end, order_axes(order, end[0].shape)


def order_axes(order: np.ndarray, shape: Shape) -> tuple[int, ...]:
    """The axes of a map of ``shape`` in the order of a result; () when they are its own.

    Raises
    ------
    Unsupported : the result has only a part of the map, or another order.
    """
    if len(order) != prod(shape):
        raise Unsupported("its result is a part of a layer's result")
    own = np.arange(prod(shape)).reshape(shape)
    for axes in permutations(range(3)):
        if np.array_equal(own.transpose(axes).ravel(), order):
            return () if axes == (0, 1, 2) else axes
    raise Unsupported("the order of its result is not that of a map")


def _dense_in_order(value: Value) -> Value:
    """A dense layer's values in the order of the model's result: its columns are moved."""
    order = value.order.ravel()

    def moved(base: Base) -> Base:
        weights, bias = base.parameters["weights"], base.parameters["bias"]
        value.walk.budget.spend(weights.size)
        changed = {"weights": weights[:, order], "bias": bias[order]}
        shape = (1, 1, len(order))
        return replace(base, shape=shape, parameters=base.parameters | changed)

    def part(array: np.ndarray) -> np.ndarray:
        return array[order] if array.ndim else array

    apart = value.apart
    if apart is not None:
        apart = moved(apart[0]), part(apart[1]), part(apart[2])
    return replace(
        value,
        base=moved(value.base),
        order=np.arange(len(order)).reshape(value.order.shape),
        scale=part(value.scale),
        shift=part(value.shift),
        apart=apart,
    )


def _uses(end: Tensor) -> dict[Base, list[Function]]:
    """Every layer that ``end`` needs, after those that it reads, with the functions of it."""
    found: dict[Base, list[Function]] = {}
    stack: list[tuple[Tensor, bool]] = [(end, False)]
    waiting: set[Base] = set()
    while stack:
        (base, f), ready = stack.pop()
        if base not in found and not ready and base not in waiting:
            waiting.add(base)
            stack.append(((base, f), True))
            stack += [(source, False) for source in reversed(base.sources)]
            continue
        functions = found.setdefault(base, [])
        if f not in functions:
            functions.append(f)
    return found


def _append(
    base: Base,
    functions: list[Function],
    layers: list[FloatLayer],
    reads: list[tuple[int, ...]],
    numbers: dict[Tensor, int],
) -> None:
    """The layer of ``base``, and one for each function of it where there are several."""
    if base.kind is None:
        number = 0
        numbers[base, X] = 0
    else:
        sources = tuple(numbers[source] for source in base.sources)
        made, f = base, functions[0] if len(functions) == 1 else X
        if base.linear or base.kind is FloatScale:
            scale, shift, f = simplified(f).without_affine()
            made = _with_affine(base, scale, shift)
        else:
            f = simplified(f)
        assert made.kind is not None
        layers.append(made.kind(**made.parameters, function=f, origin=base.origin))
        reads.append(sources)
        number = len(layers)
        numbers[base, functions[0] if len(functions) == 1 else X] = number
    for f in functions:
        if (base, f) not in numbers:
            scale, shift, inner = simplified(f).without_affine()
            many = np.ones(base.shape[2])
            alone = FloatScale(
                many * scale, many * shift, base.shape, function=inner, origin=base.origin
            )
            layers.append(alone)
            reads.append((number,))
            numbers[base, f] = len(layers)


def _with_affine(base: Base, scale: float, shift: float) -> Base:
    if (scale, shift) == (1, 0):
        return base
    values = dict(base.parameters)
    if base.kind is FloatScale:
        factor, summand = "scale", "shift"
    else:
        factor, summand = "weights", "bias"
    values[factor] = values[factor] * scale
    values[summand] = values[summand] * scale + shift
    return replace(base, parameters=values)


def input_axes(walk: Walk, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of the model's input in the order of the graph's map; () when they are its own.

    Raises
    ------
    Unsupported : it is no order of axes.
    """
    layout = walk.layout
    if layout is None:
        return ()
    own = np.arange(len(layout.order)).reshape(shape)
    rank = len(shape)
    for axes in permutations(range(rank)) if rank < 6 else ():
        if np.array_equal(own.transpose(axes).ravel(), layout.order):
            return () if axes == tuple(range(rank)) else axes
    raise Unsupported("the order in which its input is read is not that of its axes")
