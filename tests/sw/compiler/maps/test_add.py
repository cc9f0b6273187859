"""Additions at the edges of what a requantization can step."""

import numpy as np

from celosia.compiler import compile
from celosia.model import run
from celosia.network.graph import Graph
from celosia.network.layers import Add
from celosia.numerics.quant import Quant
from celosia.spec import Config


def test_sums_far_beyond_the_last_step():
    """Only 0 and 3 are results: the slope is free, and must not be so steep that large sums leave
    the accumulator."""
    output = Quant(2.028292179107666, 0)
    layer = Add(
        "a", Quant(9.530275344848633, -128), Quant(6.140641212463379, -128), output, (4, 9, 2),
        clamp=(0, 3),
    )  # fmt: skip
    graph = Graph("sum", (layer,), ((0, 0),))
    x = np.random.default_rng(0).integers(-128, -125, (5, 72)).astype(np.int8)
    y = run(compile(graph, Config.default(3, 5)), x)[-1]
    assert (y == graph.evaluate(x)[-1]).all() and {*np.unique(y)} == {0, 3}
