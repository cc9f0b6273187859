"""Exact folding: channels that no input can change become part of the biases that read them.

`channel_ranges` proves which channels have one value, whatever the input. A layer that sums over
channels takes such a value into its biases, and the channel, with all that only it needs, is
dropped. Where a window reaches outside of the map the zero point takes the channel's place, so that
it is dropped only if its value is the zero point (as it mostly is after a ReLU). Every value that
is kept stays the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from celosia.spec import BIAS

from .graph import Graph
from .layers import Concatenation, Convolution, Dense, Depthwise, Layer
from .ranges import Range, channel_ranges, never_outside

__all__ = ["Folded", "Removed", "fold_channels"]


@dataclass(frozen=True, eq=False)
class Removed:
    """The channels of one tensor that were dropped.

    Parameters
    ----------
    channels : int64 [n], their numbers in the original tensor, ascending.
    constant : bool [n]; False for a channel that varies, which nothing reads any more.
    values : int8 [n], the constants; 0 where there is none.
    """

    channels: np.ndarray
    constant: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Folded:
    """A graph with fewer channels.

    Parameters
    ----------
    original : before.
    graph : after; the same layers with the same names.
    removed : for every tensor what it lost.
    """

    original: Graph
    graph: Graph
    removed: tuple[Removed, ...]

    @classmethod
    def none(cls, graph: Graph) -> "Folded":
        """``graph`` as it is."""
        nothing = Removed(np.zeros(0, np.int64), np.zeros(0, bool), np.zeros(0, np.int8))
        return cls(graph, graph, (nothing,) * len(graph.shapes))

    def kept(self, tensor: int) -> np.ndarray:
        """int64: the original numbers of the channels that ``tensor`` still has."""
        every = np.arange(self.original.shapes[tensor][2])
        return np.setdiff1d(every, self.removed[tensor].channels)

    def expand(self, tensor: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The original tensor's values.

        Parameters
        ----------
        values : int8 [images, values of ``tensor`` in `graph`].

        Returns
        -------
        int8 [images, values of the original tensor], with dropped channels as their constant.
        bool [values of the original tensor], False where a dropped channel varied: 0 above.
        """
        shape, gone = self.original.shapes[tensor], self.removed[tensor]
        known = np.ones(shape, bool)
        known[..., gone.channels] = gone.constant
        full = np.zeros((len(values), *shape), np.int8)
        full[..., gone.channels] = gone.values
        kept = self.kept(tensor)
        full[..., kept] = values.reshape(len(values), *shape[:2], len(kept))
        return full.reshape(len(values), -1), known.ravel()


def fold_channels(graph: Graph, keep_varying: bool = False) -> Folded:
    """``graph`` without the channels that no input can change, where that is exact.

    Results keep all their channels, the input too, and every tensor at least one. Channels that
    vary, but that nothing reads any more, stay with ``keep_varying``: then all tensors can be told
    from those that are left.
    """
    ranges = channel_ranges(graph)
    keep = _needed(graph, ranges, keep_varying)
    layers = []
    for index, (layer, reads) in enumerate(zip(graph.layers, graph.reads, strict=True)):
        sources = [(keep[t], ranges[t], graph.shapes[t]) for t in reads]
        layers.append(_smaller(layer, sources, keep[index + 1]))
    removed = []
    for each, bounds in zip(keep, ranges, strict=True):
        gone = np.flatnonzero(~each)
        constant = bounds.constant[gone]
        values = np.where(constant, bounds.low[gone], 0).astype(np.int8)
        removed.append(Removed(gone, constant, values))
    smaller = Graph(graph.name, tuple(layers), graph.reads, graph.outputs)
    return Folded(graph, smaller, tuple(removed))


def _needed(graph: Graph, ranges: list[Range], keep_varying: bool) -> list[np.ndarray]:
    """bool [channels] of every tensor: whether it stays."""
    keep = [~each.constant & keep_varying for each in ranges]
    for tensor in (0, *graph.outputs):
        keep[tensor][:] = True
    before = -1
    # Channels are only added; tensors of channel-by-channel layers go round until they agree.
    while (total := sum(int(each.sum()) for each in keep)) != before:
        before = total
        for index in reversed(range(len(graph.layers))):
            layer, reads, result = graph.layers[index], graph.reads[index], keep[index + 1]
            if not result.any():
                result[0] = True
            if isinstance(layer, Dense | Convolution):
                keep[reads[0]] |= _read(layer, ranges[reads[0]], result)
            else:
                _agree(layer, [keep[tensor] for tensor in reads], result)
    return keep


def _read(layer: Dense | Convolution, source: Range, result: np.ndarray) -> np.ndarray:
    """bool [channels]: those of the input that the channels ``result`` of ``layer`` need."""
    channels = len(source.low)
    weights = layer.weights.reshape(len(layer.weights), -1, channels)[result]
    used = (weights != 0).any(axis=(0, 1))
    return used & ~_foldable(layer, source, result)


def _foldable(layer: Dense | Convolution, source: Range, result: np.ndarray) -> np.ndarray:
    """bool [channels]: those of the input that biases can take in, exactly."""
    foldable = source.constant
    if isinstance(layer, Convolution):
        inside = never_outside(layer.window, layer.input_shape).all()
        foldable = foldable & (inside | (source.low == layer.input.zero_point))
    bias = _bias(layer, source, foldable)[result]
    fits = BIAS.min <= bias.min() and bias.max() <= BIAS.max
    # If the biases leave 32 bits with all of them, only those stay that add nothing.
    return foldable if fits else foldable & (source.low == layer.input.zero_point)


def _bias(layer: Dense | Convolution, source: Range, folded: np.ndarray) -> np.ndarray:
    """int64 [N]: the biases with the constant channels ``folded`` of the input."""
    weights = layer.weights.reshape(len(layer.weights), -1, len(folded)).astype(np.int64)
    values = np.where(folded, source.low - layer.input.zero_point, 0)
    return layer.bias.astype(np.int64) + weights.sum(axis=1) @ values


def _agree(layer: Layer, sources: Iterable[np.ndarray], result: np.ndarray) -> None:
    """Channels of a layer that computes each by itself stay in all its tensors or in none."""
    at = 0
    for source in sources:
        if isinstance(layer, Concatenation):
            part = result[at : at + len(source)]
            at += len(source)
            source |= part
            part |= source
        elif isinstance(layer, Depthwise):
            groups = result.reshape(-1, layer.copies)
            source |= groups.any(axis=1)
            groups |= source[:, None]
        else:
            source |= result
            result |= source


def _smaller(layer: Layer, sources: list, result: np.ndarray) -> Layer:
    """``layer`` with the channels that stay; ``sources``: (stays, range, shape) of each input."""
    stays, bounds, shape = sources[0]
    if isinstance(layer, Concatenation):
        shapes = [
            (*own[:2], int(each.sum()))
            for own, (each, _, _) in zip(layer.shapes, sources, strict=True)
        ]
        return replace(layer, shapes=tuple(shapes))
    channels = int(stays.sum())
    changes: dict[str, Any] = {"input_shape": (*layer.input_shape[:2], channels)}
    if not isinstance(layer, Dense | Convolution | Depthwise):
        return replace(layer, **changes)
    changes |= {name: getattr(layer, name)[result] for name in ("bias", "multiplier", "shift")}
    if isinstance(layer, Depthwise):
        return replace(layer, weights=layer.weights[..., result], **changes)
    if not stays.all():
        bias = _bias(layer, bounds, bounds.constant & ~stays)[result]
        changes["bias"] = bias.astype(np.int32)
    n = int(result.sum())
    weights = layer.weights.reshape(len(layer.weights), -1, len(stays))[result][..., stays]
    if isinstance(layer, Convolution):
        return replace(layer, weights=weights.reshape(n, *layer.kernel, channels), **changes)
    changes["input_shape"] = (*shape[:2], channels)
    return replace(layer, weights=weights.reshape(n, -1), **changes)
