"""A layer as others would have computed it: the usual reasons for which results differ."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from celosia.network.layers import Convolution, Depthwise, Layer
from celosia.numerics.quant import Quant
from celosia.spec import Rounding

__all__ = ["differing", "variants"]


def variants(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """Layers that differ from ``layer`` in one thing, each with the words for it.

    Another rounding, a padding that begins a pixel earlier or later, an input zero point of 0, and
    height and width swapped.
    """
    # Not all layers have all of these.
    some: Any = layer
    rounding = getattr(layer, "rounding", None)
    if rounding is not None:
        for mode in Rounding:
            if mode != rounding:
                yield f"{mode.name.lower()} rounding", replace(some, rounding=mode)
    top, left = getattr(layer, "padding", (0, 0))
    for step in (1, -1):
        moved = max(top + step * (top > 0), 0), max(left + step * (left > 0), 0)
        if moved != (top, left):
            yield f"padding {list(moved)} for {[top, left]}", replace(some, padding=moved)
    if layer.input.zero_point:
        zero = Quant(layer.input.scale, 0)
        yield f"input zero point 0 for {layer.input.zero_point}", replace(some, input=zero)
    if (swapped := _swapped(layer)) is not None:
        yield "height and width swapped", swapped


def _swapped(layer: Layer) -> Layer | None:
    """A square kernel with its axes swapped; None where that changes nothing or fits no map."""
    if not isinstance(layer, Convolution | Depthwise):
        return None
    axes = (1, 2) if isinstance(layer, Convolution) else (0, 1)
    weights = np.swapaxes(layer.weights, *axes)
    if weights.shape != layer.weights.shape or np.array_equal(weights, layer.weights):
        return None
    return replace(layer, weights=weights)


def differing(layer: Layer, sources: list[np.ndarray], result: np.ndarray) -> int:
    """Elements of ``result`` that differ from ``layer`` evaluated on ``sources``."""
    return int((layer.evaluate(*sources) != result).sum())
