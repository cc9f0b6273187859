"""What is decided about a graph's tensors before its layers are lowered."""

from dataclasses import dataclass, replace

from celosia.network.graph import Graph
from celosia.network.layers import Concatenation, Convolution, Dense, Depthwise, Layer, Pad
from celosia.spec import Config

from .judge import is_convolution, moves_only, pads_itself

__all__ = ["Padded", "Tensors"]


@dataclass(frozen=True)
class Padded:
    """A tensor as the padding of another one, ``source``, with lines and pixels before it."""

    source: int
    size: tuple[int, int]
    top: int = 0
    left: int = 0


class Tensors:
    """Which tensors are emitted, which are stored, and where.

    Parameters
    ----------
    graph, config : the network and the engine.
    emit_all : every layer's result is made and emitted, paddings included.

    Attributes
    ----------
    emitted : numbers of the tensors that the host gets.
    padded : paddings that are not stored, as their readers read the same byte outside their map.
    homes : tensors that are made where a concatenation has them, and its number: of concatenations
        within others that of the outermost one.
    packed : whether the input's pixels follow each other byte by byte.
    """

    def __init__(self, graph: Graph, config: Config, emit_all: bool):
        self.graph, self.config = graph, config
        count = len(graph.layers)
        self._readers: dict[int, list[int]] = {tensor: [] for tensor in range(count + 1)}
        for index, reads in enumerate(graph.reads):
            for tensor in reads:
                self._readers[tensor].append(index)
        outputs = graph.outputs if graph.outputs is not None else (count,)
        self.emitted = tuple(range(1, count + 1)) if emit_all else tuple(outputs)
        self.padded: dict[int, Padded] = {}
        self._fold_pads()
        self.homes = self._homes()
        self.packed = self._packed()

    def unpadded(self, tensor: int, layer: Layer) -> Padded:
        """What ``layer`` reads where its input is ``tensor``."""
        h, w, _ = layer.input_shape
        return self.padded.get(tensor, Padded(tensor, (h, w)))

    def _fold_pads(self) -> None:
        """Paddings whose readers all read the same byte outside their map."""
        for index, layer in enumerate(self.graph.layers):
            tensor = index + 1
            if not isinstance(layer, Pad) or tensor in self.emitted or not self._readers[tensor]:
                continue
            readers = [self.graph.layers[reader] for reader in self._readers[tensor]]
            if moves_only(layer) and all(pads_itself(each, layer) for each in readers):
                before = self.unpadded(self.graph.reads[index][0], layer)
                self.padded[tensor] = replace(
                    before, top=before.top + layer.top, left=before.left + layer.left
                )

    def _homes(self) -> dict[int, int]:
        homes: dict[int, int] = {}
        for index in reversed(range(len(self.graph.layers))):
            layer = self.graph.layers[index]
            if not isinstance(layer, Concatenation) or not moves_only(layer):
                continue
            reads = self.graph.reads[index]
            root = homes.get(index + 1, index + 1)
            for tensor in reads:
                made = tensor != 0 and tensor not in self.padded
                # Lines that lie along another axis have other corners.
                made = made and self.graph.shapes[tensor][:2] == layer.output_shape[:2]
                if made and tensor not in homes and reads.count(tensor) == 1:
                    homes[tensor] = root
        return homes

    def _packed(self) -> bool:
        h, w, c = self.graph.shapes[0]
        if self.config.slots != self.config.lanes or h * w == 1 or c % self.config.lanes == 0:
            return False
        readers = [
            self.graph.layers[reader]
            for tensor in [0, *(t for t, padded in self.padded.items() if padded.source == 0)]
            for reader in self._readers[tensor]
            if reader + 1 not in self.padded
        ]
        return all(
            isinstance(reader, Dense | Convolution)
            or (isinstance(reader, Depthwise) and is_convolution(reader, self.config))
            for reader in readers
        )
