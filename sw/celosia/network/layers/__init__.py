"""The layers of quantized graphs, one file each, with their exact integer definitions."""

from .add import Add
from .average_pool import AveragePool
from .concatenation import Concatenation
from .convolution import Convolution
from .dense import Dense
from .depthwise import Depthwise
from .layer import Layer, Shape
from .max_pool import MaxPool
from .mean import Mean
from .pad import Pad
from .window import Window

__all__ = [
    "KINDS",
    "Add",
    "AveragePool",
    "Concatenation",
    "Convolution",
    "Dense",
    "Depthwise",
    "Layer",
    "MaxPool",
    "Mean",
    "Pad",
    "Shape",
    "Window",
]

#: All layers by their `Layer.kind`.
KINDS: dict[str, type[Layer]] = {
    each.kind: each
    for each in (
        Dense,
        Convolution,
        Depthwise,
        AveragePool,
        MaxPool,
        Mean,
        Add,
        Pad,
        Concatenation,
    )
}
