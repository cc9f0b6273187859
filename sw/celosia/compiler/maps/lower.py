"""Layers of a graph as kernels of the two operations of an engine with convolution.

- A fully connected layer is a CONVOLUTION whose kernel is the whole map.
- Pools, means and additions are DEPTHWISE with weights and a multiplier that are proved for every
  sum that can occur.
- A padding becomes that of its readers where they read the zero point outside, else a copy.
- The parts of a concatenation are made side by side in one map, each in whole words; weights are 0
  where there is no channel.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from celosia.network.graph import Graph
from celosia.network.layers import (
    Add,
    AveragePool,
    Concatenation,
    Convolution,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Mean,
    Pad,
)
from celosia.numerics.offset_binary import to_offset
from celosia.ops.fold import fold_bias
from celosia.ops.pack import element_table
from celosia.spec import OFFSET, Config, Rounding
from celosia.support.errors import CelosiaError

from .add import fit_sum
from .alive import alive
from .judge import is_convolution, moves_only
from .kernel import Piece, Program, View
from .lowering import Lowering
from .pools import average, maximum
from .post import Post, offset
from .tensors import Tensors

__all__ = ["lower"]

_TODO = "quantize the model with other scales"


def lower(graph: Graph, config: Config, emit_all: bool = False, packed: bool = True) -> Program:
    """The kernels of ``graph`` for engines of this ``config``.

    Parameters
    ----------
    emit_all : every layer's result is made and emitted, paddings included.
    packed : the input's pixels may follow each other byte by byte, else each fills whole words.

    Raises
    ------
    Unsupported : the engine lacks an operation; it and the layer are named.
    CelosiaError : an accumulator could overflow, or no multiplier gives a layer's results.
    """
    return _Graph(graph, config, emit_all).program(packed)


class _Graph:
    def __init__(self, graph: Graph, config: Config, emit_all: bool):
        self.graph, self.config = graph, config
        self.tensors = Tensors(graph, config, emit_all)
        self.low = Lowering(config, graph.shapes, self.tensors.homes)

    def program(self, packed: bool) -> Program:
        self.low.input(packed and self.tensors.packed)
        views = self.low.program.views
        for index, (layer, reads) in enumerate(
            zip(self.graph.layers, self.graph.reads, strict=True)
        ):
            tensor = index + 1
            if tensor in self.tensors.padded:
                views[tensor] = None
            else:
                views[tensor] = _LOWER[type(layer)](self, layer, reads, tensor)
        program = self.low.finish()
        for tensor in self.tensors.emitted:
            for piece in self.low.view(tensor).pieces:
                program.kernels[piece.kernel].emit = True
        return alive(program)

    def read(self, tensor: int, layer: Layer) -> tuple[View, tuple[int, int], tuple[int, int]]:
        """What ``layer`` reads as ``tensor``, its lines and pixels of a line, and the padding
        before them."""
        padded = self.tensors.unpadded(tensor, layer)
        return self.low.view(padded.source), padded.size, (padded.top, padded.left)

    # Layers.

    def dense(self, layer: Dense, reads: tuple[int, ...], tensor: int) -> View:
        view = self.low.view(reads[0])
        h, w, c = self.graph.shapes[reads[0]]
        weights = layer.weights.reshape(-1, h * w, c)
        bias = fold_bias(layer.name, layer.weights, layer.bias, layer.input.zero_point)
        post = _post(layer, bias, layer.multiplier, layer.shift, layer.rounding)
        size, taps = (1, 1), (h, w)
        return self.low.convolve(layer.name, view, taps, tensor, size, weights, post, taps=taps)

    def convolution(self, layer: Convolution, reads: tuple[int, ...], tensor: int) -> View:
        n, kh, kw, c = layer.weights.shape
        return self._convolve(layer, layer.weights.reshape(n, kh * kw, c), (kh, kw), reads, tensor)

    def _convolve(
        self,
        layer: Convolution | Depthwise,
        weights: np.ndarray,
        taps: tuple[int, int],
        reads: tuple[int, ...],
        tensor: int,
    ) -> View:
        view, source_size, before = self.read(reads[0], layer)
        flat = weights.reshape(len(weights), -1)
        bias = fold_bias(layer.name, flat, layer.bias, layer.input.zero_point)
        return self.low.convolve(
            layer.name,
            view,
            source_size,
            tensor,
            layer.output_size,
            weights,
            _post(layer, bias, layer.multiplier, layer.shift, layer.rounding),
            taps=taps,
            **_window(layer, before),
        )

    def depthwise(self, layer: Depthwise, reads: tuple[int, ...], tensor: int) -> View:
        kh, kw, n = layer.weights.shape
        c = layer.input_shape[2]
        copies, weights = n // c, layer.weights.reshape(kh * kw, n)
        if is_convolution(layer, self.config):
            wide = np.zeros((n, kh * kw, c), np.int8)
            wide[np.arange(n), :, np.arange(n) // copies] = weights.T
            return self._convolve(layer, wide, (kh, kw), reads, tensor)
        view, source_size, before = self.read(reads[0], layer)
        bias = fold_bias(layer.name, weights.T, layer.bias, layer.input.zero_point)
        if copies == 1:
            return self.low.depthwise(
                layer.name,
                view,
                source_size,
                tensor,
                layer.output_size,
                weights,
                _post(layer, bias, layer.multiplier, layer.shift, layer.rounding),
                taps=(kh, kw),
                **_window(layer, before),
            )
        # Channel c * copies + i of the result is made by kernel i, side by side in one map.
        homes, parts = self.low.homes, []
        root = homes.get(tensor, tensor)
        for part in range(copies):
            homes[-1 - part] = root
            parts.append(
                self.low.depthwise(
                    layer.name,
                    view,
                    source_size,
                    -1 - part,
                    layer.output_size,
                    weights[:, part::copies],
                    _post(
                        layer,
                        bias[part::copies],
                        layer.multiplier[part::copies],
                        layer.shift[part::copies],
                        layer.rounding,
                    ),
                    taps=(kh, kw),
                    **_window(layer, before),
                )
            )
        return _joined(parts, [np.arange(c) * copies + part for part in range(copies)])

    def average(self, layer: AveragePool, reads: tuple[int, ...], tensor: int) -> View:
        view, source_size, before = self.read(reads[0], layer)
        folded = before if reads[0] in self.tensors.padded else None
        return average(self.low, layer, view, source_size, tensor, folded)

    def maximum(self, layer: MaxPool, reads: tuple[int, ...], tensor: int) -> View:
        return maximum(self.low, layer, self.low.view(reads[0]), tensor)

    def mean(self, layer: Mean, reads: tuple[int, ...], tensor: int) -> View:
        h, w, c = layer.input_shape
        weights = np.ones((c, h * w), np.int8)
        zero = np.zeros(c, np.int64)
        bias = fold_bias(layer.name, weights, zero, layer.input.zero_point)
        multiplier, shift = layer.factor
        post = _post(layer, bias, zero + multiplier, zero + shift, Rounding.DOUBLE)
        view = self.low.view(reads[0])
        return self.low.depthwise(
            layer.name, view, (h, w), tensor, (1, 1), weights.T, post, taps=(h, w)
        )

    def add(self, layer: Add, reads: tuple[int, ...], tensor: int) -> View:
        self.low.require_depthwise(layer.name)
        views = self.low.view(reads[0]), self.low.view(reads[1])
        h, w, c = self.graph.shapes[tensor]
        clamp = offset(layer.clamp)
        values = to_offset(replace(layer, table=None, table_output=None).function().ravel())
        ratio = layer.input.scale / layer.other.scale
        found = fit_sum(values, ratio, clamp, (layer.output.zero_point + OFFSET, OFFSET, 0))
        if found is None:
            raise CelosiaError(
                f"no weights give the sums of scales {layer.input.scale:g} and "
                f"{layer.other.scale:g} to {layer.output.scale:g}",
                where=layer.name,
                todo=_TODO,
            )
        post = Post.of(found.factor, c, clamp, element_table(layer))
        return self.low.pair(layer.name, views, (h, w), tensor, (h, w), found.taps(), post)

    def pad(self, layer: Pad, reads: tuple[int, ...], tensor: int) -> View:
        h, w, _ = self.graph.shapes[tensor]
        view, source_size, before = self.read(reads[0], layer)
        return self.low.copy(
            layer.name,
            view,
            source_size,
            tensor,
            (h, w),
            padding=(layer.top + before[0], layer.left + before[1]),
            outside=layer.input.zero_point + OFFSET,
            clamp=offset(layer.clamp),
            table=element_table(layer),
        )

    def concatenation(self, layer: Concatenation, reads: tuple[int, ...], tensor: int) -> View:
        root = self.low.homes.get(tensor, tensor)
        h, w, _ = self.graph.shapes[tensor]
        parts, channels, first = [], [], 0
        for index, read in enumerate(reads):
            view = self.low.view(read)
            in_place = moves_only(layer) and self.low.homes.get(read) == root
            if not in_place or reads.count(read) > 1:
                extra = -1 - index
                self.low.homes[extra] = root
                view = self.low.copy(
                    layer.name,
                    view,
                    (h, w),
                    extra,
                    (h, w),
                    clamp=offset(layer.clamp),
                    table=element_table(layer),
                )
            parts.append(view)
            channels.append(first + np.arange(len(view.places)))
            first += len(view.places)
        return _joined(parts, channels)


def _post(
    layer: Layer, bias: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, rounding: Rounding
) -> Post:
    zero_point, clamp = layer.output.zero_point + OFFSET, offset(layer.clamp)
    return Post(bias, multiplier, shift, rounding, zero_point, clamp, element_table(layer))


def _window(layer: Convolution | Depthwise, before: tuple[int, int]) -> dict:
    return {
        "stride": layer.stride,
        "dilation": layer.dilation,
        "padding": (layer.padding[0] + before[0], layer.padding[1] + before[1]),
        "outside": layer.input.zero_point + OFFSET,
    }


def _joined(parts: list[View], channels: list[np.ndarray]) -> View:
    """One view of the channels of several in the same map."""
    places = np.zeros(sum(map(len, channels)), int)
    pieces: list[Piece] = []
    for view, numbers in zip(parts, channels, strict=True):
        places[numbers] = view.places
        pieces += [replace(piece, channels=numbers[piece.channels]) for piece in view.pieces]
    return View(parts[0].map, places, tuple(pieces))


_LOWER: dict[type, Callable[..., View]] = {
    Dense: _Graph.dense,
    Convolution: _Graph.convolution,
    Depthwise: _Graph.depthwise,
    AveragePool: _Graph.average,
    MaxPool: _Graph.maximum,
    Mean: _Graph.mean,
    Add: _Graph.add,
    Pad: _Graph.pad,
    Concatenation: _Graph.concatenation,
}
