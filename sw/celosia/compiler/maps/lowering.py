"""Building blocks of `lower`: a program of kernels under construction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from celosia.ops.fold import check_sums
from celosia.spec import Config, Op
from celosia.support.errors import Unsupported

from .kernel import Kernel, Map, Piece, Program, View
from .post import IDENTITY, Post

__all__ = ["Lowering"]


class Lowering:
    """Kernels, maps and views of the layers that are lowered so far.

    Parameters
    ----------
    config : the engine.
    shapes : height, width and channels of each tensor of the graph.
    homes : tensors that are made as a part of another one, the result of a concatenation.
    """

    def __init__(
        self, config: Config, shapes: Sequence[tuple[int, int, int]], homes: dict[int, int]
    ):
        self.config, self.shapes, self.homes = config, shapes, homes
        self.program = Program()

    def input(self, packed: bool) -> None:
        """Map 0, the graph's input."""
        h, w, c = self.shapes[0]
        words = self.config.words(c)
        self.program.maps.append(Map(h * w, words, c if packed else 0))
        self.program.views[0] = View(0, np.arange(c))

    def view(self, tensor: int) -> View:
        found = self.program.views[tensor]
        assert found is not None  # a tensor that was folded away has no readers
        return found

    def target(self, tensor: int | None, pixels: int, words: int) -> tuple[int, int]:
        """Number of the map for a result of ``words`` a pixel, and its first word in the pixel.

        ``tensor`` : None of a result that is no tensor of the graph.
        """
        maps = self.program.maps
        home = tensor if tensor is None else self.homes.get(tensor, tensor)
        root = None if home is None or home == tensor else self.program.views.get(home)
        if root is not None:
            number = root.map
            first = maps[number].words
            maps[number].words += words
            return number, first
        maps.append(Map(pixels, words))
        number = len(maps) - 1
        if home is not None and home != tensor:
            self.program.views[home] = View(number, np.arange(0))
        return number, 0

    def add(self, kernel: Kernel, results: np.ndarray) -> View:
        """Append a kernel; ``results`` are the bytes of its channels among those that it makes."""
        size = kernel.weights.shape[1] if kernel.op is Op.DEPTHWISE else len(kernel.weights)
        sums = kernel.weights.T if kernel.op is Op.DEPTHWISE else kernel.weights
        check_sums(kernel.name, sums.reshape(size, -1), kernel.bias)
        self.program.kernels.append(kernel)
        number = len(self.program.kernels) - 1
        piece = Piece(number, np.arange(len(results)), results, kernel.corner, kernel.size)
        places = kernel.result_first * self.config.lanes + results
        return View(kernel.result, places, (piece,))

    def convolve(
        self,
        name: str,
        view: View,
        source_size: tuple[int, int],
        tensor: int | None,
        size: tuple[int, int],
        weights: np.ndarray,
        post: Post,
        **geometry: Any,
    ) -> View:
        """A CONVOLUTION of int8 ``weights`` [N, taps, C], C channels of ``view``."""
        config, places = self.config, view.local(self.config)
        n, taps, channels = weights.shape
        spread = weights
        if not np.array_equal(places, np.arange(channels)):
            spread = np.zeros((n, taps, int(places.max()) + 1), np.int8)
            spread[..., places] = weights
        words = config.tiles(n) * config.words_per_tile
        number, first = self.target(tensor, size[0] * size[1], words)
        kernel = Kernel(
            name=name,
            op=Op.CONVOLUTION,
            source=view.map,
            first=view.first(config),
            source_size=source_size,
            result=number,
            result_first=first,
            whole=size,
            size=size,
            weights=spread,
            **post.at(np.arange(n), n),
            **geometry,
        )
        return self.add(kernel, np.arange(n))

    def depthwise(
        self,
        name: str,
        view: View,
        source_size: tuple[int, int],
        tensor: int | None,
        size: tuple[int, int],
        weights: np.ndarray,
        post: Post,
        into: View | None = None,
        whole: tuple[int, int] | None = None,
        **geometry: Any,
    ) -> View:
        """A DEPTHWISE of int8 ``weights`` [taps, C]; its result keeps the view's channel layout.

        Parameters
        ----------
        into : the result, if another kernel has begun it.
        whole : height and width of the result, if ``size`` is a part of it.
        """
        self.require_depthwise(name)
        whole = whole or size
        config, places = self.config, view.local(self.config)
        width = view.words(config) * config.lanes
        spread = np.zeros((len(weights), width), np.int8)
        spread[:, places] = weights
        if into is None:
            number, first = self.target(tensor, whole[0] * whole[1], view.words(config))
        else:
            number, first = into.map, into.first(config)
        kernel = Kernel(
            name=name,
            op=Op.DEPTHWISE,
            source=view.map,
            first=view.first(config),
            source_size=source_size,
            result=number,
            result_first=first,
            whole=whole,
            size=size,
            weights=spread,
            **post.at(places, width),
            **geometry,
        )
        made = self.add(kernel, places)
        return made if into is None else replace(into, pieces=into.pieces + made.pieces)

    def require_depthwise(self, name: str) -> None:
        if not self.config.depthwise:
            raise Unsupported(
                "needs DEPTHWISE, an operation that this engine lacks",
                where=name,
                todo="choose an engine with depthwise=1 (--depthwise 1)",
            )

    def copy(
        self,
        name: str,
        view: View,
        source_size: tuple[int, int],
        tensor: int | None,
        size: tuple[int, int],
        compact: bool = False,
        clamp: tuple[int, int] = (0, 255),
        table: bytes | None = None,
        **geometry: Any,
    ) -> View:
        """The same bytes in another place.

        ``compact`` : with channel c at byte c of the pixel, whatever the layout was.
        """
        channels = len(view.places)
        post = Post.of(IDENTITY, channels, clamp, table)
        if self.config.depthwise and not compact:
            weights = np.ones((1, channels), np.int8)
            return self.depthwise(name, view, source_size, tensor, size, weights, post, **geometry)
        weights = np.eye(channels, dtype=np.int8)[:, None]
        return self.convolve(name, view, source_size, tensor, size, weights, post, **geometry)

    def pair(
        self,
        name: str,
        views: tuple[View, View],
        source_size: tuple[int, int],
        tensor: int | None,
        size: tuple[int, int],
        taps: tuple[np.ndarray, np.ndarray],
        post: Post,
        **geometry: Any,
    ) -> View:
        """A DEPTHWISE over two tensors of one shape: ``sum(taps[0]) * a + sum(taps[1]) * b``.

        ``taps`` : int8 [n1] and int8 [n2], the same for all channels.
        """
        self.require_depthwise(name)
        config = self.config
        # The input's place changes from run to run, so its distance to another map does too.
        mixed = (views[0].map == 0) != (views[1].map == 0)
        plain = np.arange(len(views[0].places))
        differ = not np.array_equal(views[0].local(config), views[1].local(config))
        one, two = (
            self._movable(name, view, source_size, mixed, plain if differ else None)
            for view in views
        )
        if one.map != two.map:
            self.program.alike.append({one.map, two.map})
        weights = np.repeat(np.concatenate(taps)[:, None], len(one.places), axis=1)
        return self.depthwise(
            name,
            one,
            source_size,
            tensor,
            size,
            weights,
            post,
            taps=(2, len(taps[0])),
            dilation=(0, 0),
            other=(two.map, two.first(config)),
            other_taps=len(taps[1]),
            **geometry,
        )

    def _movable(
        self,
        name: str,
        view: View,
        size: tuple[int, int],
        mixed: bool,
        plain: np.ndarray | None,
    ) -> View:
        """The view or a copy of it: beside another map, and with the channels at ``plain``."""
        if plain is not None and not np.array_equal(view.local(self.config), plain):
            return self.copy(name, view, size, None, size, compact=True)
        return self.copy(name, view, size, None, size) if mixed and view.map == 0 else view

    def finish(self) -> Program:
        """The program, pixels of maps that are read together made equally long."""
        for _ in self.program.alike:
            for pair in self.program.alike:
                words = max(self.program.maps[number].words for number in pair)
                for number in pair:
                    self.program.maps[number].words = words
        return self.program
