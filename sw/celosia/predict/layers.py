"""What each layer of a model takes of an engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from celosia.network.graph import Graph, Layer
from celosia.network.outline import AnyLayer, LayerOutline, Outline
from celosia.ops import OPERATIONS
from celosia.spec import Config

from .figures import Estimate
from .map_work import MapWork

__all__ = ["LayerNeeds", "dense_layers", "map_layers"]


@dataclass(frozen=True)
class LayerNeeds:
    """What one layer takes: words of each memory, and cycles of a full batch.

    Parameters
    ----------
    shape : its size for people.
    weights, params : words of its own.
    activations : words in each row, of what it reads and writes; on engines with convolution all
        that are in use while it runs, both input banks included.
    tables : element tables.
    cycles, share : from its start to that of the next layer; and of the cycles of all layers.
    busy : multiplications a cycle and multiplier, at most 1, without folded channels; None if not
        known.
    """

    layer: LayerOutline | Layer
    shape: str
    weights: int
    params: int
    activations: int
    tables: int
    cycles: float
    share: float
    busy: float | None


def dense_layers(outline: Outline, config: Config, found: Estimate | None) -> list[LayerNeeds]:
    """On an engine with dense layers only; ``found`` may be None, then there are no cycles."""
    needs = []
    for layer, times in zip(outline.layers, _times(outline.layers, config, found), strict=True):
        operation = OPERATIONS[layer.op]
        words = operation.input_words(layer, config) + operation.result_words(layer, config)
        needs.append(
            LayerNeeds(
                layer,
                operation.shape(layer),
                operation.weight_words(layer, config),
                operation.param_words(layer, config),
                words,
                int(layer.table is not None),
                *times,
            )
        )
    return needs


def map_layers(
    outline: Outline, work: MapWork, found: Estimate, folded: Graph | None
) -> list[LayerNeeds]:
    """On an engine with convolution, which runs ``work``; ``folded`` : the graph of it."""
    layers = outline.layers if folded is None else folded.layers
    times = _times(layers, work.config, found, known=folded is not None)
    return [
        LayerNeeds(
            layer,
            _shapes(layer),
            *work.layer_words(index),
            int(layer.table is not None),
            *own,
        )
        for index, (layer, own) in enumerate(zip(outline.layers, times, strict=True))
    ]


def _times(
    layers: Sequence[AnyLayer], config: Config, found: Estimate | None, known: bool = True
) -> Iterator[tuple[float, float, float | None]]:
    """`LayerNeeds.cycles`, ``share`` and ``busy`` of each layer."""
    if found is None:
        yield from [(0.0, 0.0, None)] * len(layers)
        return
    total = sum(found.layers) or 1.0
    for layer, spent in zip(layers, found.layers, strict=True):
        work = layer.macs * found.images
        # Multiplications of a layer end while the next one has started.
        busy = min(work / (spent * config.multipliers), 1.0) if spent and known else None
        yield spent, spent / total, busy


def _shapes(layer: AnyLayer) -> str:
    """Sizes of a layer's input and result, such as "25x5x64 -> 25x5x64"; of a vector its values."""
    return " -> ".join(
        "x".join(map(str, shape if shape[:2] != (1, 1) else shape[2:]))
        for shape in (layer.input_shape, layer.output_shape)
    )
