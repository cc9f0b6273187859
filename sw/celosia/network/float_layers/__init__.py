"""The layers of float graphs, one file each, with their definitions on reals."""

from .add import FloatAdd
from .concatenation import FloatConcatenation
from .convolution import FloatConvolution
from .dense import FloatDense
from .depthwise import FloatDepthwise
from .layer import FloatLayer
from .mean import FloatMean
from .pad import FloatPad
from .pool import FloatAveragePool, FloatMaxPool, FloatPool
from .scale import FloatScale

__all__ = [
    "KINDS",
    "FloatAdd",
    "FloatAveragePool",
    "FloatConcatenation",
    "FloatConvolution",
    "FloatDense",
    "FloatDepthwise",
    "FloatLayer",
    "FloatMaxPool",
    "FloatMean",
    "FloatPad",
    "FloatPool",
    "FloatScale",
]

#: All layers by their `FloatLayer.kind`.
KINDS: dict[str, type[FloatLayer]] = {
    each.kind: each
    for each in (
        FloatDense,
        FloatConvolution,
        FloatDepthwise,
        FloatAveragePool,
        FloatMaxPool,
        FloatMean,
        FloatAdd,
        FloatConcatenation,
        FloatPad,
        FloatScale,
    )
}
