"""An element table behind a layer."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from celosia.network.outline import AnyLayer
from celosia.numerics.quant import Quant

__all__ = ["with_table"]

_Layer = TypeVar("_Layer", bound=AnyLayer)


def with_table(layer: _Layer, table: np.ndarray, output: Quant) -> _Layer:
    """``layer`` followed by an int8 [256] table; one that only clips becomes part of the clamp.

    ``output`` is the quantization of the table's results.
    """
    if layer.table is not None:
        table = table[layer.table.astype(np.int64) + 128]
    elif output == layer.output:
        clipped = np.clip(np.arange(-128, 128), table[0], table[-1])
        if np.array_equal(clipped, table):
            low, high = np.clip(layer.clamp, table[0], table[-1]).tolist()
            return replace(layer, clamp=(low, high))
    return replace(layer, table=table, table_output=output)
