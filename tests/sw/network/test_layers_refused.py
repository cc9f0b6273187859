"""Layers and graphs that contradict themselves are refused as they are made, by name."""

import numpy as np
import pytest
from tests.helpers.networks import network

from celosia.network.float_layers import (
    FloatAveragePool,
    FloatConcatenation,
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatPad,
    FloatScale,
)
from celosia.network.functions import clip, function
from celosia.network.graph import Graph
from celosia.network.layers.window import Window
from celosia.support.errors import CelosiaError

GRAPH = network(np.random.default_rng(3), [9, 7, 5, 3])
MAP = (4, 5, 3)


def real(*shape):
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FloatDense(real(4, 3), real(2)), "weights have 3 outputs but biases 2"),
        (lambda: FloatDense(real(4, 3), real(3), (1, 2, 3)), "does not hold 4 values"),
        (lambda: FloatDense(real(4), real(3)), "not float with 2 non-empty axes"),
        (lambda: FloatDense(real(4, 3).astype(int), real(3)), "are int64"),
        (lambda: FloatDense(real(4, 3) * np.nan, real(3)), r"hold nan at \[0, 0\]"),
        (lambda: FloatDense(real(4, 3), real(3), (12, 1)), "is not a map"),
        (lambda: FloatConvolution(real(2, 1, 1, 3), real(3), MAP, (4, 5)), "have 2 outputs but"),
        (lambda: FloatConvolution(real(2, 1, 1, 4), real(2), MAP, (4, 5)), "weights of 4 channels"),
        (lambda: FloatConvolution(real(2, 1, 1, 3), real(2), MAP, (0, 5)), "is not a map"),
        (lambda: FloatDepthwise(real(1, 1, 3), real(2), MAP, (4, 5)), "have 3 outputs but"),
        (lambda: FloatDepthwise(real(1, 1, 4), real(4), MAP, (4, 5)), "not a multiple of 3"),
        (lambda: FloatAveragePool(MAP, (2, 2), (2, 2), (4, 2)), "outside of the map vertically"),
        (lambda: FloatAveragePool(MAP, (2, 2), (2, 2), (2, 2), (0, 2)), "map horizontally"),
        (lambda: FloatPad(MAP, top=-1), r"a border of \[-1, 0, 0, 0\] is not possible"),
        (lambda: FloatScale(real(2), real(2), MAP), "2 factors and 2 summands do not fit a map"),
        (lambda: FloatScale(real(3), real(2), MAP), "3 factors and 2 summands do not fit a map"),
        (lambda: FloatConcatenation((MAP, (4, 4, 3))), "do not lie side by side"),
    ],
)
def test_of_layers(make, message):
    with pytest.raises(CelosiaError, match=message):
        make()


@pytest.mark.parametrize("what", ["kernel", "stride", "dilation", "padding", "size"])
def test_of_windows(what):
    plain = dict.fromkeys(("kernel", "stride", "dilation", "padding", "size"), (1, 1))
    Window(**plain).check("conv")
    with pytest.raises(CelosiaError, match=rf"conv: {what} \[1, -1\] is not possible"):
        Window(**plain | {what: (1, -1)}).check("conv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": ()}, "no layer for the engine"),
        ({"layers": GRAPH.layers[:1] * 2}, "two layers are called"),
        ({"reads": ((0,), (1,))}, "2 lists of tensors for 3 layers"),
        ({"reads": ((0,), (1, 1), (2,))}, "reads 2 tensors, not 1"),
        ({"reads": ((0,), (2,), (2,))}, "reads tensor 2, which is not computed before it"),
        ({"reads": ((0,), (0,), (2,))}, "takes 7 inputs but 'input' gives 9"),
        ({"outputs": (9,)}, "output 9 is no layer's result"),
        ({"outputs": (3, 3)}, r"outputs \[3, 3\] are not different tensors"),
        ({"outputs": ()}, r"outputs \[\] are not different tensors"),
        ({"outputs": (2,)}, "nothing reads its values"),
    ],
)
def test_of_graphs(changes, message):
    with pytest.raises(CelosiaError, match=message):
        Graph(**{"name": "g", "layers": GRAPH.layers, **changes})


@pytest.mark.parametrize(
    ("f", "shown"),
    [
        (clip(0), "clip(x, 0, inf)"),
        (function("sigmoid"), "sigmoid(x)"),
        (function("sigmoid").of(function("affine", 2.0, 1.0)), "sigmoid(affine(x, 2, 1))"),
        (function("add", args=(function("tanh"), function("x"))), "add(tanh(x), x)"),
    ],
)
def test_functions_are_shown_as_they_are_written(f, shown):
    assert str(f) == shown
