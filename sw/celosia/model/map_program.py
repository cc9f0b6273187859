"""The program of an engine with convolution, executed on the memories of its rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from celosia.numerics.array import operand
from celosia.ops.window_walk import tile_weights
from celosia.spec import WEIGHT, Config, Op, Status

from .map_layer import Fed, MapLayer

__all__ = ["MapProgram", "map_operand"]


@dataclass(frozen=True, eq=False)
class MapProgram:
    """The layers from one program address to the last one or the first illegal descriptor."""

    layers: tuple[MapLayer, ...]
    status: Status
    #: Address of the illegal descriptor when `status` is BAD_DESCRIPTOR, else 0.
    info: int
    config: Config

    def run(
        self,
        act: np.ndarray,
        base: int,
        images: int,
        trace: Callable[[MapLayer, Fed], None] | None = None,
    ) -> list[np.ndarray]:
        """Walk all layers in any number of engines at once.

        Parameters
        ----------
        act : uint8 [engines, rows, act_depth * lanes], the rows' memories; stores go there. Where
            rows are images, fewer rows will do: no row keeps results of another.
        base : activation word of the input bank.
        images : images of the run, 1 where rows share one.
        trace : called with every layer and what it read.

        Returns
        -------
        one uint8 [engines, N, lanes] array for each layer that emits, in the order of the link.

        Raises
        ------
        CelosiaError : see `MapLayer.run`.
        """
        shape = len(act), act.shape[1], self.config.act_depth, self.config.lanes
        words, emitted = act.reshape(shape), []
        for index, layer in enumerate(self.layers):

            def tell(fed: Fed, layer: MapLayer = layer) -> None:
                if trace:
                    trace(layer, fed)

            results = layer.run(words, base, images, f"layer {index}", tell)
            if layer.descriptor["emit"]:
                emitted.append(results)
        return emitted


def map_operand(d: dict[str, int], memory: np.ndarray, config: Config) -> np.ndarray:
    """The weights of `MapLayer`, of the weight memory int8 [words, cols]."""
    k, depthwise = tile_weights(d, config), d["op"] == Op.DEPTHWISE
    starts = [d["weights"] + tile * d["weight_stride"] for tile in range(d["tiles"])]
    width = config.lanes if depthwise else config.cols
    weights = np.concatenate([memory[start : start + k, :width] for start in starts], axis=1)
    return weights.astype(np.int32) if depthwise else operand(weights.astype(WEIGHT.dtype))
