"""Factors and summands per channel: what the host does in float, and what layers take in."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from celosia.network.float_graph import FloatGraph
from celosia.network.float_layers import (
    FloatConcatenation,
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatLayer,
    FloatPad,
    FloatScale,
)
from celosia.network.functions import X
from celosia.support.errors import Unsupported

__all__ = ["Affine", "Settled", "pads", "scaled_inputs", "scaled_outputs", "settle"]


@dataclass(frozen=True, eq=False)
class Affine:
    """``y[k] = x[k] * scale[k] + shift[k]`` of all values of an image; float64 [K] each."""

    scale: np.ndarray
    shift: np.ndarray

    @classmethod
    def nothing(cls, values: int) -> "Affine":
        """The one that changes nothing."""
        return cls(np.ones(values), np.zeros(values))

    @classmethod
    def of(cls, layer: FloatScale) -> "Affine":
        repeats = layer.outputs // len(layer.scale)
        scale, shift = (np.tile(v.astype(np.float64), repeats) for v in (layer.scale, layer.shift))
        return cls(scale, shift)

    @property
    def is_nothing(self) -> bool:
        return bool((self.scale == 1).all() and not self.shift.any())

    def then(self, other: "Affine") -> "Affine":
        """``other`` of what this one gives."""
        return Affine(self.scale * other.scale, self.shift * other.scale + other.shift)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """float32 [n, K] of float [n, K]; computed in float64."""
        return (x * self.scale + self.shift).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Settled:
    """``after(graph(before(x)))``: a float graph without a `FloatScale`, and what the host does.

    Parameters
    ----------
    graph : of layers that have an int8 form.
    before, after : of its input's and its result's values.
    """

    graph: FloatGraph
    before: Affine
    after: Affine


@dataclass
class _Draft:
    """A graph of one result under change: layers by a number of their own, with what they read."""

    layers: dict[int, FloatLayer]
    reads: dict[int, tuple[int, ...]]
    result: int
    spare: int = field(default=0)

    def readers(self, tensor: int) -> list[int]:
        return [key for key, reads in self.reads.items() if tensor in reads]

    def sole_reader(self, tensor: int) -> bool:
        return len(self.readers(tensor)) == 1 and tensor != self.result

    def remove(self, key: int) -> None:
        """Whoever reads layer ``key`` reads what it reads."""
        (source,) = self.reads.pop(key)
        del self.layers[key]
        self.reads = {
            each: tuple(source if tensor == key else tensor for tensor in reads)
            for each, reads in self.reads.items()
        }
        if self.result == key:
            self.result = source


def settle(graph: FloatGraph) -> Settled:
    """``graph``, of one result, without a `FloatScale` and with no function behind a border or a
    concatenation.

    A `FloatScale` without a function that is the only reader of the input, or behind the last other
    layer, is the host's. Every other one becomes part of the layer with weights before it, or of
    all that read it, where that is exact: zeros around a map stay zeros only without a summand.
    What is left is a depthwise convolution of one tap.

    Raises
    ------
    Unsupported : a factor for each value of a map between two layers.
    """
    layers = {index + 1: layer for index, layer in enumerate(graph.layers)}
    reads = {index + 1: each for index, each in enumerate(graph.reads)}
    draft = _Draft(layers, reads, graph.outputs[0])
    before = Affine.nothing(int(np.prod(graph.shapes[0])))
    after = Affine.nothing(graph.layers[graph.outputs[0] - 1].outputs)
    while (key := _leading(draft)) is not None:
        before = before.then(Affine.of(draft.layers[key]))  # type: ignore[arg-type]
        draft.remove(key)
    while (key := _trailing(draft)) is not None:
        after = Affine.of(draft.layers[key]).then(after)  # type: ignore[arg-type]
        draft.remove(key)
    draft.layers, draft.reads, draft.result = _functions_apart(draft)
    for key in list(draft.layers):
        layer = draft.layers[key]
        if isinstance(layer, FloatScale) and not _into_source(draft, key, layer):
            if not _into_readers(draft, key, layer):
                draft.layers[key] = _one_tap(layer)
    return Settled(_graph(graph.name, draft), before, after)


def _leading(draft: _Draft) -> int | None:
    readers = draft.readers(0)
    key = readers[0]
    if len(readers) == 1 and _plain(draft.layers[key]) and key != draft.result:
        return key
    return None


def _trailing(draft: _Draft) -> int | None:
    key = draft.result
    if not _plain(draft.layers[key]) or draft.readers(key):
        return None
    (source,) = draft.reads[key]
    return key if source and draft.sole_reader(source) else None


def _plain(layer: FloatLayer) -> bool:
    return isinstance(layer, FloatScale) and layer.function == X


def _functions_apart(draft: _Draft) -> tuple[dict, dict, int]:
    """Functions behind borders and concatenations as layers of their own."""
    layers: dict[int, FloatLayer] = {}
    reads: dict[int, tuple[int, ...]] = {}
    number, count = {0: 0}, 0
    for key, layer in draft.layers.items():
        count += 1
        layers[count], reads[count] = layer, tuple(number[each] for each in draft.reads[key])
        if isinstance(layer, FloatPad | FloatConcatenation) and layer.function != X:
            layers[count] = replace(layer, function=X)
            count += 1
            layers[count] = FloatScale.alone(
                layer.output_shape, function=layer.function, origin=layer.origin
            )
            reads[count] = (count - 1,)
        number[key] = count
    return layers, reads, number[draft.result]


def _into_source(draft: _Draft, key: int, layer: FloatScale) -> bool:
    """Make ``layer`` part of the layer with weights before it; False where that is not exact."""
    (source,) = draft.reads[key]
    if not source or not draft.sole_reader(source):
        return False
    producer = draft.layers[source]
    if producer.function != X or len(layer.scale) != producer.output_shape[2]:
        return False
    if not isinstance(producer, FloatDense | FloatConvolution | FloatDepthwise):
        return False
    scaled = scaled_outputs(producer, layer.scale, layer.shift)
    draft.layers[source] = replace(scaled, function=layer.function)
    draft.remove(key)
    return True


def _into_readers(draft: _Draft, key: int, layer: FloatScale) -> bool:
    """Make ``layer`` part of all that read it; False where that is not exact."""
    if layer.function != X or key == draft.result:
        return False
    affine, readers = Affine.of(layer), draft.readers(key)
    for each in readers:
        reader = draft.layers[each]
        if not isinstance(reader, FloatDense):
            if not isinstance(reader, FloatConvolution | FloatDepthwise):
                return False
            if len(layer.scale) != layer.input_shape[2] or (pads(reader) and layer.shift.any()):
                return False
    for each in readers:
        reader = draft.layers[each]
        if isinstance(reader, FloatDense):
            changed = scaled_inputs(reader, affine.scale, affine.shift)
        else:
            changed = scaled_inputs(reader, layer.scale, layer.shift)
        draft.layers[each] = changed
    draft.remove(key)
    return True


def _one_tap(layer: FloatScale) -> FloatDepthwise:
    if len(layer.scale) != layer.input_shape[2]:
        raise Unsupported(
            f"a factor for each of {len(layer.scale)} values between two layers",
            where=layer.origin,
            todo="use one for each channel",
        )
    return FloatDepthwise(
        layer.scale[None, None],
        layer.shift,
        layer.input_shape,
        layer.input_shape[:2],
        function=layer.function,
        origin=layer.origin,
    )


def pads(layer: FloatLayer) -> bool:
    """Whether any window of ``layer`` has a pixel outside of the map."""
    if not isinstance(layer, FloatConvolution | FloatDepthwise):
        return False
    window = layer.window
    return bool((window.inside(layer.input_shape) < window.kernel[0] * window.kernel[1]).any())


def scaled_outputs(layer: Any, scale: np.ndarray, shift: np.ndarray | float = 0.0) -> Any:
    """The layer with weights whose sums are ``scale[n] * sums + shift[n]``."""
    factor = np.asarray(scale, np.float64)
    bias = (layer.bias * factor + shift).astype(np.float32)
    # Outputs are the last axis of all weights but a convolution's.
    if isinstance(layer, FloatConvolution):
        weights = layer.weights * factor[:, None, None, None]
    else:
        weights = layer.weights * factor
    return replace(layer, weights=weights.astype(np.float32), bias=bias)


def scaled_inputs(layer: Any, scale: np.ndarray, shift: np.ndarray | float = 0.0) -> Any:
    """The layer with weights that gives for x what ``layer`` gives for ``x * scale + shift``.

    ``scale`` and ``shift`` are [C], or of a dense layer [K]. A summand is exact only without pixels
    outside of the map (`pads`).
    """
    factor = np.asarray(scale, np.float64)
    added = np.broadcast_to(np.asarray(shift, np.float64), factor.shape)
    if isinstance(layer, FloatDense):
        repeats = len(layer.weights) // len(factor)
        factor, added = np.tile(factor, repeats), np.tile(added, repeats)
        weights, more = layer.weights * factor[:, None], added @ layer.weights.astype(np.float64)
    elif isinstance(layer, FloatDepthwise):
        factor, added = np.repeat(factor, layer.copies), np.repeat(added, layer.copies)
        weights, more = layer.weights * factor, added * layer.weights.sum(axis=(0, 1))
    else:
        weights = layer.weights * factor
        more = (layer.weights * added).sum(axis=(1, 2, 3))
    return replace(
        layer, weights=weights.astype(np.float32), bias=(layer.bias + more).astype(np.float32)
    )


def _graph(name: str, draft: _Draft) -> FloatGraph:
    number = {0: 0} | {key: index + 1 for index, key in enumerate(draft.layers)}
    reads = tuple(tuple(number[each] for each in draft.reads[key]) for key in draft.layers)
    return FloatGraph(name, tuple(draft.layers.values()), reads, (number[draft.result],))
