"""Records of the engine's memories that every operation fills in the same way."""

import numpy as np

from celosia.network.graph import Layer
from celosia.network.outline import LayerOutline
from celosia.spec import OFFSET, PARAMETER, Config

__all__ = ["element_table", "pack_parameters"]


def pack_parameters(
    bias: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, config: Config
) -> bytes:
    """Parameter words of whole tiles; channels that do not exist are 0.

    Parameters
    ----------
    bias, multiplier, shift : int64 [N]; the bias is folded (`celosia.ops.fold`).
    """
    channels = zip(bias, multiplier, shift, strict=True)
    data = b"".join(PARAMETER.pack(bias=b, multiplier=m, shift=s) for b, m, s in channels)
    return data.ljust(config.tiles(len(bias)) * config.cols * PARAMETER.size, b"\0")


def element_table(layer: Layer | LayerOutline) -> bytes | None:
    """The layer's element table in offset binary on both sides, 256 bytes."""
    if layer.table is None:
        return None
    return (layer.table.astype(np.int64) + OFFSET).astype(np.uint8).tobytes()
