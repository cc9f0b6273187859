"""A layer as two runtimes compute it: in which respect they differ."""

import numpy as np

from celosia.network.layers import Layer
from celosia.numerics.runtime import Runtime

__all__ = ["difference"]

_SUMS = {
    Runtime.LITERT: "rounds sums once, with a factor in double precision",
    Runtime.TFLM: "rounds sums twice, with a 31-bit factor",
}
_TABLES = {
    Runtime.LITERT: "computes LOGISTIC, TANH and ELU in float32 and rescales RELU6",
    Runtime.TFLM: "computes LOGISTIC and TANH in fixed point, ELU as exp(x) - 1, and RELU6 without "
    "rescaling",
}


def difference(mine: Layer, theirs: Layer, runtime: Runtime) -> str:
    """What ``runtime`` does otherwise, with ``theirs`` its form of the layer ``mine``.

    Returns
    -------
    For people, such as "LiteRT rounds sums once, ..."; "" where both compute the same.
    """
    parts = []
    if not all(_same(mine, theirs, name) for name in ("rounding", "multiplier", "shift")):
        parts.append(_SUMS[runtime])
    if not all(_same(mine, theirs, name) for name in ("clamp", "table")):
        parts.append(_TABLES[runtime])
    return f"{runtime.label} {' and '.join(parts)}" if parts else ""


def _same(mine: Layer, theirs: Layer, name: str) -> bool:
    """Whether both layers have equal values called ``name``, or none."""
    one, other = getattr(mine, name, None), getattr(theirs, name, None)
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
